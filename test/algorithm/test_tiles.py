"""The grid, on any size of image."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithm.tiles import Grid, Window, axis_cuts, axis_starts, window_around

lengths = st.integers(1, 3000)


@st.composite
def axes(draw):
    """length, tile and overlap of one axis, px."""
    tile = draw(st.integers(1, 400))
    return draw(lengths), tile, draw(st.integers(0, tile - 1))


@st.composite
def small_grids(draw):
    tile = draw(st.integers(4, 30)), draw(st.integers(4, 30))
    overlap = draw(st.integers(0, tile[0] // 2)), draw(st.integers(0, tile[1] // 2))
    return Grid((draw(st.integers(1, 90)), draw(st.integers(1, 90))), tile=tile, overlap=overlap)


@given(axes())
def test_tiles_cover_an_axis_with_the_overlap_and_end_flush_with_it(axis):
    length, tile, overlap = axis
    starts = axis_starts(length, tile, overlap)
    assert starts[0] == 0
    if length <= tile:
        assert starts == [0]
        return
    assert starts[-1] + tile == length
    assert starts == sorted(set(starts)), "no tile twice"
    steps = [after - before for before, after in itertools.pairwise(starts)]
    assert max(steps) <= tile - overlap
    assert max(steps) - min(steps) <= 1, "evenly spread"


@given(axes())
def test_no_smaller_number_of_tiles_would_do(axis):
    length, tile, overlap = axis
    tiles = len(axis_starts(length, tile, overlap))
    assert tiles == 1 or tile + (tiles - 2) * (tile - overlap) < length


@given(axes())
def test_cores_of_an_axis_follow_each_other_and_stay_half_an_overlap_from_inner_edges(axis):
    length, tile, overlap = axis
    starts = axis_starts(length, tile, overlap)
    cuts = axis_cuts(starts, length, tile)
    assert cuts[0] == 0 and cuts[-1] == length and cuts == sorted(set(cuts))
    for start, (left, right) in zip(starts, itertools.pairwise(cuts), strict=True):
        assert start == 0 or left - start >= overlap // 2
        assert start + tile >= length or start + tile - right >= overlap // 2


@given(small_grids(), st.data())
def test_each_pixel_lies_in_exactly_one_core_and_cores_in_their_tiles(grid, data):
    tiles = list(grid)
    width, height = tiles[-1].core.right, tiles[-1].core.bottom
    owners = np.zeros((height, width), int)
    for tile in tiles:
        left, top, right, bottom = tile.core
        owners[top:bottom, left:right] += 1
        assert tile.x <= left < right <= tile.x + tile.width <= width
        assert tile.y <= top < bottom <= tile.y + tile.height <= height
    assert (owners == 1).all()
    assert len({(tile.x, tile.y) for tile in tiles}) == len(tiles) == len(grid)


@given(small_grids(), st.floats(0, 1, exclude_max=True), st.floats(0, 1, exclude_max=True))
def test_each_place_is_owned_once_without_a_margin_and_at_least_once_with_one(grid, across, down):
    tiles = list(grid)
    xy = np.array([[across * tiles[-1].core.right, down * tiles[-1].core.bottom]])
    assert sum(tile.owned(xy, margin_px=0).item() for tile in tiles) == 1
    assert sum(tile.owned(xy, margin_px=4).item() for tile in tiles) >= 1


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (127, 127), (128, 128)])
def test_an_image_within_a_tile_is_one_tile_of_its_own_size(size):
    grid = Grid(size, tile=(128, 500), overlap=(64, 64))
    (tile,) = grid
    assert (tile.x, tile.y, tile.width, tile.height) == (0, 0, *size)
    assert tile.core == (0, 0, *size)


def test_two_tiles_of_one_pixel_more_than_a_tile():
    assert axis_starts(129, 128, 64) == [0, 1]
    assert axis_cuts([0, 1], 129, 128) == [0, 64, 129]


def test_a_tile_shows_what_lies_in_it_and_not_in_what_fills_it_up():
    (tile,) = Grid((100, 60), tile=(128, 128), overlap=(64, 64))
    xy = np.array([[0, 0], [99.9, 59.9], [100, 30], [50, 60], [-0.1, 30], [50, -0.1], [106, 30]])
    assert tile.shows(xy).tolist() == [True, True, False, False, False, False, False]
    *_, last = Grid((200, 200), tile=(128, 128), overlap=(64, 64))
    assert last.shows(np.array([[72, 72], [71.9, 100], [199.9, 100], [200, 100]])).tolist() == [
        True,
        False,
        True,
        False,
    ]
    assert tile.shows(np.empty((0, 2))).shape == (0,)


def test_nothing_is_owned_where_nothing_was_found():
    (tile,) = Grid((50, 50), tile=(128, 128), overlap=(64, 64))
    owned = tile.owned(np.empty((0, 2)), margin_px=4)
    assert owned.shape == (0,) and owned.dtype == bool


@pytest.mark.parametrize("overlap", [-1, 128, 200])
def test_an_overlap_that_no_tile_can_have_is_refused(overlap):
    with pytest.raises(ValueError, match=f"overlap {overlap} px does not fit a tile of 128 px"):
        axis_starts(1000, 128, overlap)


@given(st.tuples(st.floats(0, 299.9), st.floats(0, 199.9)), st.tuples(st.integers(1, 90), st.integers(1, 90)))
def test_a_window_around_a_place_lies_in_the_image_with_the_place_as_near_its_middle_as_can_be(place, window):
    size = (300, 200)
    shown, begin = window_around(place, window=window, size=size)
    for axis, (corner, length) in enumerate([(shown.x, shown.width), (shown.y, shown.height)]):
        assert corner >= 0 and corner + length <= size[axis] and 1 <= length <= window[axis]
        assert abs(corner - begin[axis] + window[axis] / 2 - place[axis]) <= 0.5  # the whole window's middle
        assert begin[axis] == 0 or corner == 0
        assert begin[axis] + length == window[axis] or corner + length == size[axis]


def test_a_window_is_cut_to_an_image_that_is_smaller():
    assert window_around((10.0, 5.0), window=(64, 64), size=(40, 100)) == (Window(0, 0, 40, 37), (22, 27))
