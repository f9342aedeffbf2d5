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


class SecondLook:
    """The candidates of an image, the rounds in which they are looked at, and what was said of each.

    candidates: places in the image, image px, from the most probable on: where the time is up, those left keep the
    score of the first look. size: (width, height) of the image, px; mpp: its um/px; scale: image px to one cell px.
    layout: of sheets and cells; chosen_views: of each cell, the first of them in the first round. again_score: mean
    raw score of that round from which on a candidate gets the other views. radius_um: of fusion.
    """

    def __init__(
        self,
        candidates: Found,
        *,
        size: tuple[int, int],
        scale: Scale,
        mpp: Mpp,
        layout: Layout,
        chosen_views: Sequence[int],
        again_score: float,
        radius_um: float,
    ) -> None:
        self._candidates, self._mpp, self.layout, self._views = candidates, mpp, layout, chosen_views
        self._again_score, self._near_um = again_score, NEAR * radius_um
        self.scale = whole_scale(scale, layout.cell_px)
        self._cells = [self._cell((x, y), size) for x, y in candidates.xy.tolist()]
        self._said = np.zeros((len(candidates), 2))  # passes that looked, passes that saw it
        self._score = np.zeros(len(candidates))
        self._box = np.zeros((len(candidates), 4))

    def _cell(self, place: tuple[float, float], size: tuple[int, int]) -> Cell:
        side_px = self.layout.cell_px
        shown, begin = window_around(place, window=window_px(side_px, self.scale), size=size)
        length = resampled_size(shown.size, self.scale)
        # the length was rounded and may not leave as much room before it
        x, y = (min(round(begin[axis] / self.scale[axis]), side_px - length[axis]) for axis in (0, 1))
        return Cell(shown, (x, y))

    def rounds(self) -> Iterator["Round"]:
        """Yield what is to be shown, each round when all of the one before was noted.

        One sheet holds all views of few candidates; then there is nothing to save by a first round.
        """
        every = range(len(self._cells))
        if len(every) * len(self._views) <= self.layout.slots:
            yield Round(self.layout, self._cells, every, self._views)
            return
        yield Round(self.layout, self._cells, every, self._views[:1])
        said = self._score / np.maximum(self._said[:, 0], 1)
        yield Round(self.layout, self._cells, np.flatnonzero(said >= self._again_score).tolist(), self._views[1:])

    def note(self, looks: Sequence[Look], seen: Pass) -> None:
        """Take in what one pass saw on a sheet (boxes in sheet px): of each look the best box near its candidate."""
        slot = self.layout.slot_of(centres(seen.boxes))
        for number, look in enumerate(looks):
            of_slot = slot == number
            boxes = self._in_image(seen.boxes[of_slot], look, self.layout.corner(number))
            xy = centres(boxes)
            away_um = np.hypot(*image_to_um(xy - self._candidates.xy[look.candidate], self._mpp).T)
            near = np.flatnonzero((away_um <= self._near_um) & look.cell.shown.shows(xy))
            self._said[look.candidate] += 1, len(near) > 0
            if len(near):  # scores come from high to low
                self._score[look.candidate] += seen.scores[of_slot][near[0]]
                self._box[look.candidate] += boxes[near[0]]

    def _in_image(self, boxes: Boxes, look: Look, corner: tuple[int, int]) -> Boxes:
        cell_px, shown = self.layout.cell_px, look.cell.shown
        unturned = views.invert(sheet_to_cell(boxes, corner), look.view, (cell_px, cell_px))
        of_shown = sheet_to_cell(unturned, look.cell.begin)
        return tile_to_image(of_shown, origin_px=(shown.x, shown.y), scale=resampled_scale(shown.size, self.scale))

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
    """Candidates, by their numbers, that are shown in these views. cells: of all candidates."""

    layout: Layout
    cells: Sequence[Cell]
    numbers: Sequence[int]
    views: Sequence[int]

    def __len__(self) -> int:
        """Return the number of sheets, if all cells can be read."""
        return -(-len(self.numbers) * len(self.views) // self.layout.slots)

    def sheets(self, read: Callable[[Window], Pixels]) -> Generator[tuple[list[Look], Pixels], None, None]:
        """Yield the sheets (tile_px, tile_px, 3) with what their slots show; read gives a window as cell px."""
        read_ahead = ahead(lambda number: read(self.cells[number].shown), self._in_order() if self.views else [])
        try:
            yield from on_sheets(self._turned(read_ahead), self.layout)
        finally:
            read_ahead.close()

    def _in_order(self) -> Iterator[int]:
        """Yield the candidates: the most probable first by the thousand, and those as they lie in the file.

        In the order of their scores strips and tiles of a file would be decoded for each of them anew.
        """
        for start in range(0, len(self.numbers), TOGETHER):
            part = self.numbers[start : start + TOGETHER]
            yield from sorted(part, key=lambda number: (self.cells[number].shown.y, self.cells[number].shown.x))

    def _turned(self, cells: Iterable[tuple[int, Pixels]]) -> Iterator[tuple[Look, Pixels]]:
        for number, pixels in cells:
            if pixels.min() == WHITE:  # a tile could be read there, the cell could not (PartialImage)
                continue
            cell = self.cells[number]
            whole = filled_around(pixels, self.layout.cell_px, cell.begin)
            for view in self.views:
                yield Look(number, view, cell), views.apply(whole, view)
