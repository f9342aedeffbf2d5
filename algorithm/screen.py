"""`screen`: one quick pass over all tiles says where to look; every member looks there again, in all views.

Candidates are cut out of the image where they lie and put side by side on sheets of a tile's size: tissue without
any costs one pass instead of members x views. In the middle of a cell as large as the patches of its training a network
also judges better than in a large tile (docs/results.md has the figures). Candidates that no longer look like figures
in the first view do not get the others.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from algorithm import views
from algorithm.ensemble import Pass
from algorithm.frames import (
    Boxes,
    Mpp,
    Points,
    Scale,
    centres,
    image_to_um,
    resampled_scale,
    resampled_size,
    sheet_to_cell,
    tile_to_image,
    whole_scale,
    window_px,
)
from algorithm.fusion import Found
from algorithm.images import Pixels
from algorithm.images.colour import WHITE
from algorithm.magnification import Magnification
from algorithm.prefetch import ahead
from algorithm.sheets import Layout, filled_around, on_sheets
from algorithm.tiles import Window, window_around

# Part of the fusion radius: candidates lie at least one radius apart, so that what is nearer than this to one of them
# is hardly ever of another.
NEAR = 2 / 3
TOGETHER = 2_000  # candidates that are read in the order of the file


@dataclass(frozen=True)
class Cell:
    """What is shown of a candidate. shown: what of the image, image px; begin: where in the cell that lies, (x, y) cell
    px; all of it but by the image's borders."""

    shown: Window
    begin: tuple[int, int]


@dataclass(frozen=True)
class Look:
    """What a slot of a sheet shows: a candidate, by its number, in one view of its cell."""

    candidate: int
    view: int
    cell: Cell


class Shown:
    """All candidates as the members of one magnification are shown them.

    scale: image px to one cell px; cells: of the candidates, in their order.
    """

    def __init__(self, places: Points, at: Magnification, *, size: tuple[int, int], mpp: Mpp) -> None:
        """Lay cells around places (n, 2) of an image of size (width, height), both px, and mpp um/px."""
        if at.facts.screen is None:
            raise AssertionError("checked when the detector was made")
        side_px = at.facts.screen.cell_px
        self.at, self.layout = at, Layout(at.facts.tile_px, side_px)
        self.scale = whole_scale(at.scale(mpp), side_px)
        self.cells = [self._cell((x, y), size) for x, y in places.tolist()]

    def _cell(self, place: tuple[float, float], size: tuple[int, int]) -> Cell:
        side_px = self.layout.cell_px
        shown, begin = window_around(place, window=window_px(side_px, self.scale), size=size)
        length = resampled_size(shown.size, self.scale)
        # the length was rounded and may not leave as much room before it
        x, y = (min(round(begin[axis] / self.scale[axis]), side_px - length[axis]) for axis in (0, 1))
        return Cell(shown, (x, y))

    def in_image(self, boxes: Boxes, look: Look, slot: int) -> Boxes:
        """Move boxes of a slot that shows this look from sheet px to image px."""
        cell_px, shown = self.layout.cell_px, look.cell.shown
        unturned = views.invert(sheet_to_cell(boxes, self.layout.corner(slot)), look.view, (cell_px, cell_px))
        of_shown = sheet_to_cell(unturned, look.cell.begin)
        return tile_to_image(of_shown, origin_px=(shown.x, shown.y), scale=resampled_scale(shown.size, self.scale))


class SecondLook:
    """The candidates of an image, the rounds in which they are looked at, and what was said of each.

    candidates: places in the image, image px, from the most probable on: where the time is up, those left keep the
    score of the first look. size: (width, height) of the image, px; mpp: its um/px. magnifications: each member looks
    at its own scale. chosen_views: of each cell, the first of them in the first rounds. again_score: mean raw score of
    those from which on a candidate gets the other views. radius_um: of fusion.
    """

    def __init__(
        self,
        candidates: Found,
        *,
        size: tuple[int, int],
        mpp: Mpp,
        magnifications: Sequence[Magnification],
        chosen_views: Sequence[int],
        again_score: float,
        radius_um: float,
    ) -> None:
        self._candidates, self._mpp, self._views = candidates, mpp, chosen_views
        self._again_score, self._near_um = again_score, NEAR * radius_um
        self._shown = [Shown(candidates.xy, at, size=size, mpp=mpp) for at in magnifications]
        self._said = np.zeros((len(candidates), 2))  # passes that looked, passes that saw it
        self._score = np.zeros(len(candidates))
        self._box = np.zeros((len(candidates), 4))

    def rounds(self) -> Iterator["Round"]:
        """Yield what is to be shown, a round for each magnification, each when all of the ones before were noted.

        One sheet holds all views of few candidates; then there is nothing to save by a first round.
        """
        every = range(len(self._candidates))
        if len(every) * len(self._views) <= min(shown.layout.slots for shown in self._shown):
            yield from self._rounds(every, self._views)
            return
        yield from self._rounds(every, self._views[:1])
        said = self._score / np.maximum(self._said[:, 0], 1)
        yield from self._rounds(np.flatnonzero(said >= self._again_score).tolist(), self._views[1:])

    def _rounds(self, numbers: Sequence[int], shown_views: Sequence[int]) -> Iterator["Round"]:
        for shown in self._shown:
            yield Round(shown, numbers, shown_views)

    def note(self, part: "Round", looks: Sequence[Look], seen: Pass) -> None:
        """Take in what one pass saw on a sheet of a round (boxes in sheet px).

        Of each look that is the best box near its candidate.
        """
        slot = part.shown.layout.slot_of(centres(seen.boxes))
        for number, look in enumerate(looks):
            of_slot = slot == number
            boxes = part.shown.in_image(seen.boxes[of_slot], look, number)
            xy = centres(boxes)
            away_um = np.hypot(*image_to_um(xy - self._candidates.xy[look.candidate], self._mpp).T)
            near = np.flatnonzero((away_um <= self._near_um) & look.cell.shown.shows(xy))
            self._said[look.candidate] += 1, len(near) > 0
            if len(near):  # scores come from high to low
                self._score[look.candidate] += seen.scores[of_slot][near[0]]
                self._box[look.candidate] += boxes[near[0]]

    def found(self) -> Found:
        """Return the candidates with the mean of what was said of each; a pass that does not see it counts as score 0.

        What no pass looked at, for want of time or of pixels, stays as it was; what no pass saw is dropped.
        """
        looked, saw = self._said.T
        before = self._candidates
        score = np.where(looked > 0, self._score / np.maximum(looked, 1), before.score)
        box = np.where(saw[:, None] > 0, self._box / np.maximum(saw, 1)[:, None], before.box).astype(np.float32)
        return Found(centres(box), score, box)[(looked == 0) | (saw > 0)]


@dataclass(frozen=True)
class Round:
    """Candidates, by their numbers, that the members of one magnification are shown in these views."""

    shown: Shown
    numbers: Sequence[int]
    views: Sequence[int]

    def __len__(self) -> int:
        """Return the number of sheets, if all cells can be read."""
        return -(-len(self.numbers) * len(self.views) // self.shown.layout.slots)

    def sheets(self, read: Callable[[Window, Scale], Pixels]) -> Generator[tuple[list[Look], Pixels], None, None]:
        """Yield the sheets (tile_px, tile_px, 3) with what their slots show.

        read gives a window of the image as cell px; its scale is image px to one of them.
        """
        cells, scale = self.shown.cells, self.shown.scale
        read_ahead = ahead(lambda number: read(cells[number].shown, scale), self._in_order() if self.views else [])
        try:
            yield from on_sheets(self._turned(read_ahead), self.shown.layout)
        finally:
            read_ahead.close()

    def _in_order(self) -> Iterator[int]:
        """Yield the candidates: the most probable first by the thousand, and those as they lie in the file.

        In the order of their scores strips and tiles of a file would be decoded for each of them anew.
        """
        for start in range(0, len(self.numbers), TOGETHER):
            part = self.numbers[start : start + TOGETHER]
            yield from sorted(part, key=self._place)

    def _place(self, number: int) -> tuple[int, int]:
        shown = self.shown.cells[number].shown
        return shown.y, shown.x

    def _turned(self, cells: Iterable[tuple[int, Pixels]]) -> Iterator[tuple[Look, Pixels]]:
        for number, pixels in cells:
            if pixels.min() == WHITE:  # a tile could be read there, the cell could not (PartialImage)
                continue
            cell = self.shown.cells[number]
            whole = filled_around(pixels, self.shown.layout.cell_px, cell.begin)
            for view in self.views:
                yield Look(number, view, cell), views.apply(whole, view)
