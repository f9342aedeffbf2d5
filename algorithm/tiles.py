"""The grid: which tiles cover an image, and which of them owns a place; windows around places.

Pure; knows no file and no resolution.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from algorithm.frames import Points


class Core(NamedTuple):
    """The part of the image that belongs to one tile alone, image px; right and bottom are outside."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True)
class Window:
    """A part of the image, image px: corner (x, y) and size."""

    x: int
    y: int
    width: int
    height: int

    @property
    def size(self) -> tuple[int, int]:
        """Return (width, height)."""
        return self.width, self.height

    def shows(self, xy: Points) -> NDArray[np.bool_]:
        """Return which places (n, 2), image px, lie in the window itself and not in what fills it up."""
        x, y = xy[:, 0] - self.x, xy[:, 1] - self.y
        return np.asarray((x >= 0) & (x < self.width) & (y >= 0) & (y < self.height))


@dataclass(frozen=True)
class Tile(Window):
    """A window of the grid with the core within."""

    core: Core

    def owned(self, xy: Points, *, margin_px: float) -> NDArray[np.bool_]:
        """Return which places (n, 2), image px, lie in the core or within the margin around it.

        Two tiles place one figure a few pixels apart; with no margin both may disown it.
        """
        left, top, right, bottom = self.core
        x, y = xy[:, 0], xy[:, 1]
        across = (x >= left - margin_px) & (x < right + margin_px)
        return np.asarray(across & (y >= top - margin_px) & (y < bottom + margin_px))


class Grid:
    """Tiles over an image of size (width, height), row by row. All lengths image px, (x, y).

    tile: size of a tile; it is cut to the image where the image is smaller. overlap: the least that two
    neighbours share. The last tile is flush with the border, and the rest lie evenly between.
    """

    def __init__(self, size: tuple[int, int], *, tile: tuple[int, int], overlap: tuple[int, int]) -> None:
        self._tile = (min(tile[0], size[0]), min(tile[1], size[1]))
        self._starts = [axis_starts(size[axis], tile[axis], overlap[axis]) for axis in (0, 1)]
        self._cuts = [axis_cuts(self._starts[axis], size[axis], self._tile[axis]) for axis in (0, 1)]

    def __len__(self) -> int:
        return len(self._starts[0]) * len(self._starts[1])

    def __iter__(self) -> Iterator[Tile]:
        columns, rows = self._cuts
        for row, y in enumerate(self._starts[1]):
            for column, x in enumerate(self._starts[0]):
                core = Core(columns[column], rows[row], columns[column + 1], rows[row + 1])
                yield Tile(x, y, *self._tile, core)


def window_around(
    place: tuple[float, float], *, window: tuple[int, int], size: tuple[int, int]
) -> tuple[Window, tuple[int, int]]:
    """Return what an image of this size shows of the window with a place in its middle, and where in it that begins.

    All (x, y), image px; the place lies in the image. But by its borders that is the whole window, from (0, 0) on.
    """
    corner = [round(place[axis] - window[axis] / 2) for axis in (0, 1)]
    first = [max(0, corner[axis]) for axis in (0, 1)]
    last = [min(size[axis], corner[axis] + window[axis]) for axis in (0, 1)]
    shown = Window(first[0], first[1], max(1, last[0] - first[0]), max(1, last[1] - first[1]))
    return shown, (first[0] - corner[0], first[1] - corner[1])


def axis_starts(length_px: int, tile_px: int, overlap_px: int) -> list[int]:
    """Return where tiles begin along one axis: as few as cover it with at least this overlap, evenly spread."""
    if not 0 <= overlap_px < tile_px:
        raise ValueError(f"overlap {overlap_px} px does not fit a tile of {tile_px} px")
    last = length_px - tile_px
    if last <= 0:
        return [0]
    steps = -(-last // (tile_px - overlap_px))
    return [step * last // steps for step in range(steps + 1)]


def axis_cuts(starts: list[int], length_px: int, tile_px: int) -> list[int]:
    """Return the borders of the cores, one more than tiles: in the middle of what two neighbours share."""
    between = [(before + tile_px + after) // 2 for before, after in pairwise(starts)]
    return [0, *between, length_px]
