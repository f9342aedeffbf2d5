"""Members of a bundle that see an image at one scale."""

from collections.abc import Sequence
from dataclasses import dataclass

from algorithm.bundle import Bundle
from algorithm.engines import Engine
from algorithm.frames import Mpp, Scale, whole_scale, window_px
from algorithm.tiles import Grid


@dataclass(frozen=True)
class Magnification:
    """engines: of these members. facts: the bundle's, of these members alone, so that its lengths in px are theirs.

    before: how many of the bundle's members see the image at other scales before these.
    """

    engines: Sequence[Engine]
    facts: Bundle
    before: int = 0

    def scale(self, image: Mpp) -> Scale:
        """Return image px to one tile px for an image's um/px; 1 within the bundle's tolerance."""
        ratios = Scale(self.facts.mpp / image.x, self.facts.mpp / image.y)
        if all(abs(1 / ratio - 1) <= self.facts.mpp_tolerance for ratio in ratios):
            return Scale(1.0, 1.0)
        return whole_scale(ratios, self.facts.tile_px)

    def grid(self, size: tuple[int, int], scale: Scale) -> Grid:
        """Return the tiles of an image of size (width, height) px."""
        tile_px, overlap_px = self.facts.tile_px, self.facts.overlap_px
        return Grid(size, tile=window_px(tile_px, scale), overlap=window_px(overlap_px, scale))


def magnifications(facts: Bundle, engines: Sequence[Engine]) -> list[Magnification]:
    """Return the engines by scale, the first member's first. engines: of the bundle's first members, in their order."""
    found: list[Magnification] = []
    for numbers in facts.of_members(range(len(engines))).scales().values():
        before = sum(len(one.engines) for one in found)
        found.append(Magnification([engines[number] for number in numbers], facts.of_members(numbers), before))
    return found
