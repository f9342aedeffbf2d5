"""The eight views: what is turned comes back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithm import views

every_view = pytest.mark.parametrize("view", range(views.VIEW_COUNT))
WIDTH, HEIGHT = 40, 24


def painted(box) -> np.ndarray:
    x1, y1, x2, y2 = box
    tile = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    tile[y1:y2, x1:x2] = 255
    return tile


def box_of(tile: np.ndarray) -> list[int]:
    y, x = np.nonzero(tile[..., 0])
    return [x.min(), y.min(), x.max() + 1, y.max() + 1]


@given(
    st.integers(0, 7),
    st.lists(st.lists(st.integers(-100, 500), min_size=4, max_size=4), max_size=8),
    st.tuples(st.integers(1, 400), st.integers(1, 400)),
)
def test_the_way_back_undoes_the_way_there(view, boxes, size):
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    there = views.forward(boxes, view, size)
    back = views.invert(there, view, size)
    assert (back == boxes).all()
    assert there.shape == back.shape == boxes.shape and there.dtype == back.dtype == np.float32


@every_view
def test_boxes_turn_as_the_pixels_do(view):
    box = (3, 5, 17, 11)
    seen = views.apply(painted(box), view)
    forward = views.forward(np.array([box], np.float32), view, (WIDTH, HEIGHT))
    assert box_of(seen) == forward[0].tolist()
    found = np.array([box_of(seen)], np.float32)
    assert views.invert(found, view, (WIDTH, HEIGHT))[0].tolist() == list(box)


def test_the_views_are_eight_different_ones_and_the_first_changes_nothing():
    tile = np.random.default_rng(0).integers(0, 255, (16, 16, 3), np.uint8)
    seen = [views.apply(tile, view) for view in range(8)]
    assert (seen[0] == tile).all()
    assert len({view.tobytes() for view in seen}) == 8
    assert all(view.flags.c_contiguous for view in seen)


@every_view
def test_nothing_found_stays_nothing(view):
    none = np.empty((0, 4), np.float32)
    assert views.invert(none, view, (8, 8)).shape == (0, 4)
    assert views.forward(none, view, (8, 8)).dtype == np.float32


@every_view
def test_a_tile_is_left_as_it_was(view):
    tile = np.arange(4 * 4 * 3, dtype=np.uint8).reshape(4, 4, 3)
    before = tile.copy()
    views.apply(tile, view)
    assert (tile == before).all()


@pytest.mark.parametrize("view", [-1, 8])
def test_a_view_that_there_is_not_is_refused(view):
    with pytest.raises(ValueError, match=f"view {view}: views are numbered 0 to 7"):
        views.apply(np.zeros((2, 2, 3), np.uint8), view)
    with pytest.raises(ValueError, match=f"view {view}: views are numbered"):
        views.invert(np.zeros((1, 4), np.float32), view, (2, 2))
