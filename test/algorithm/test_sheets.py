"""Cells on sheets: where they go, how a place finds back to its cell, what fills the rest."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithm.sheets import Layout, filled_around, on_sheets

LAYOUT = Layout(tile_px=100, cell_px=32)  # 3 x 3 cells, 4 px left over


def cells(number, cell_px=32):
    return [(n, np.full((cell_px, cell_px, 3), n + 1, np.uint8)) for n in range(number)]


def test_cells_lie_row_by_row_and_what_is_left_over_mirrors_them():
    assert (LAYOUT.columns, LAYOUT.slots) == (3, 9)
    ((keys, sheet),) = on_sheets(cells(9), LAYOUT)
    assert keys == list(range(9))
    assert sheet.shape == (100, 100, 3) and sheet.dtype == np.uint8
    for slot in range(9):
        x, y = LAYOUT.corner(slot)
        assert (sheet[y : y + 32, x : x + 32] == slot + 1).all()
    assert (sheet[:96, 96:] == sheet[:96, 92:96][:, ::-1]).all()
    assert (sheet[96:] == sheet[92:96][::-1]).all()


def test_slots_that_are_left_show_the_first_cells_again():
    ((keys, sheet),) = on_sheets(cells(2), LAYOUT)
    assert keys == [0, 1]
    assert [int(sheet[y, x, 0]) for x, y in map(LAYOUT.corner, range(9))] == [1, 2] * 4 + [1]


@given(st.integers(0, 40), st.integers(1, 4))
def test_every_cell_is_shown_once_in_order(number, columns):
    layout = Layout(tile_px=32 * columns, cell_px=32)
    sheets = list(on_sheets(cells(number), layout))
    assert [key for keys, _ in sheets for key in keys] == list(range(number))
    assert len(sheets) == -(-number // layout.slots)
    assert all(len(keys) == layout.slots for keys, _ in sheets[:-1])


@given(st.integers(32, 200), st.integers(0, 35), st.floats(0, 31.99), st.floats(0, 31.99))
def test_a_place_in_a_cell_has_its_slot(tile_px, slot, x, y):
    layout = Layout(tile_px, cell_px=32)
    slot %= layout.slots
    left, top = layout.corner(slot)
    assert layout.slot_of(np.array([[left + x, top + y]])).tolist() == [slot]


@pytest.mark.parametrize("place", [(-0.1, 5), (5, -0.1), (96, 5), (5, 96), (200, 200)])
def test_a_place_beyond_the_cells_has_none(place):
    assert LAYOUT.slot_of(np.array([place], float)).tolist() == [-1]


@pytest.mark.parametrize(("size", "begin"), [((5, 8), (3, 0)), ((8, 5), (0, 2)), ((5, 6), (3, 2)), ((2, 1), (1, 4))])
def test_what_is_missing_of_a_cell_is_taken_from_its_other_end(size, begin):
    width, height = size
    pixels = np.arange(width * height * 3, dtype=np.uint8).reshape(height, width, 3)
    cell = filled_around(pixels, 8, begin)
    for y, x in np.ndindex(8, 8):
        assert (cell[y, x] == pixels[(y - begin[1]) % height, (x - begin[0]) % width]).all()


def test_no_places_have_no_slots():
    assert LAYOUT.slot_of(np.empty((0, 2))).shape == (0,)
