"""Members of a bundle that see an image at one scale, with the lengths that go with it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from algorithm.bundle import Bundle
from algorithm.engines import Engine
from algorithm.frames import Mpp, Scale, whole_scale, window_px
from algorithm.sheets import Layout
from algorithm.tiles import Grid


@dataclass(frozen=True)
class Magnification:
    """Engines whose tiles have `mpp` um/px. Lengths in px are of their tiles.

    tolerance: an image whose scale is within this part of mpp is not resampled. layout: of the sheets of `screen`,
    None where the bundle has no settings for it. before: how many members see the image at other scales before these.
    """

    engines: Sequence[Engine]
    mpp: float
    tolerance: float
    tile_px: int
    overlap_px: int
    layout: Layout | None
    before: int

    def first(self) -> "Magnification":
        """Return it with the first of its engines alone."""
        return replace(self, engines=self.engines[:1])

    def scale(self, image: Mpp) -> Scale:
        """Return image px to one tile px for an image's um/px; 1 within the tolerance."""
        ratios = Scale(self.mpp / image.x, self.mpp / image.y)
        if all(abs(1 / ratio - 1) <= self.tolerance for ratio in ratios):
            return Scale(1.0, 1.0)
        return whole_scale(ratios, self.tile_px)

    def grid(self, size: tuple[int, int], scale: Scale) -> Grid:
        """Return the tiles of an image of size (width, height) px."""
        return Grid(size, tile=window_px(self.tile_px, scale), overlap=window_px(self.overlap_px, scale))


def magnifications(facts: Bundle, engines: Sequence[Engine]) -> list[Magnification]:
    """Return the engines by scale, the first member's first. engines: of the bundle's first members, in their order."""
    found: list[Magnification] = []
    for mpp, numbers in facts.scales().items():
        chosen = [engines[number] for number in numbers if number < len(engines)]
        if not chosen:
            continue
        layout = Layout(facts.tile_px, facts.cell_at(mpp)) if facts.screen else None
        before = sum(len(one.engines) for one in found)
        found.append(
            Magnification(chosen, mpp, facts.mpp_tolerance, facts.tile_px, facts.overlap_at(mpp), layout, before)
        )
    return found
