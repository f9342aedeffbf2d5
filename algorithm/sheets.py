"""Sheets: small cells of an image side by side on one tile, so that one pass looks at all of them. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from algorithm.frames import Points
from algorithm.images import Pixels

Key = TypeVar("Key")


@dataclass(frozen=True)
class Layout:
    """Square cells on a square tile, row by row from the top left corner; slots are numbered in this order. All px."""

    tile_px: int
    cell_px: int

    @property
    def columns(self) -> int:
        """Return how many cells lie side by side, and how many rows there are."""
        return self.tile_px // self.cell_px

    @property
    def slots(self) -> int:
        """Return how many cells a sheet has room for."""
        return self.columns**2

    def corner(self, slot: int) -> tuple[int, int]:
        """Return the (x, y) of a slot's top left corner on the sheet."""
        row, column = divmod(slot, self.columns)
        return column * self.cell_px, row * self.cell_px

    def slot_of(self, xy: Points) -> NDArray[np.intp]:
        """Return the slot that each place (n, 2) on the sheet lies in; -1 beyond the cells."""
        column, row = np.floor(xy / self.cell_px).astype(np.intp).T
        inside = (column >= 0) & (column < self.columns) & (row >= 0) & (row < self.columns)
        return np.where(inside, row * self.columns + column, -1)

    def compose(self, cells: Sequence[Pixels]) -> Pixels:
        """Return a sheet (tile_px, tile_px, 3) of at least one cell (cell_px, cell_px, 3).

        Slots that are left begin with the first cell again, and what no cell fits in mirrors the cells: the network
        averages over the whole tile, which should look like tissue.
        """
        side = self.columns * self.cell_px
        sheet = np.empty((side, side, 3), np.uint8)
        for slot in range(self.slots):
            x, y = self.corner(slot)
            sheet[y : y + self.cell_px, x : x + self.cell_px] = cells[slot % len(cells)]
        return filled_up(sheet, self.tile_px)


def filled_up(pixels: Pixels, side_px: int) -> Pixels:
    """Return pixels (h, w, 3) as (side_px, side_px, 3), continued by reflection to the right and downwards.

    White would do harm: the network averages over the whole tile.
    """
    missing = side_px - pixels.shape[0], side_px - pixels.shape[1]
    if missing == (0, 0):
        return pixels
    return np.pad(pixels, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="symmetric")


def filled_around(pixels: Pixels, side_px: int, begin: tuple[int, int]) -> Pixels:
    """Return pixels (h, w, 3), which begin at (x, y), as (side_px, side_px, 3), continued by what is at the other end.

    Reflection would give a figure that the image's border cuts its other half.
    """
    if pixels.shape[:2] == (side_px, side_px):
        return pixels
    around = [(first, side_px - first - length) for first, length in zip(begin[::-1], pixels.shape, strict=False)]
    return np.pad(pixels, (*around, (0, 0)), mode="wrap")


def on_sheets(cells: Iterable[tuple[Key, Pixels]], layout: Layout) -> Iterator[tuple[list[Key], Pixels]]:
    """Yield sheets of cells in their order, each with the keys of its slots; the last one may hold fewer."""
    remaining = iter(cells)
    while part := list(islice(remaining, layout.slots)):
        yield [key for key, _ in part], layout.compose([cell for _, cell in part])
