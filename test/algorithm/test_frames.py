"""Changes of coordinates, and the one convention behind them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithm.frames import (
    Mpp,
    Scale,
    area_mm2,
    centres,
    image_to_platform_mm,
    image_to_um,
    platform_mm_to_image,
    tile_to_image,
)

places = st.lists(st.tuples(st.floats(-10, 2e5), st.floats(-10, 2e5)), max_size=6)
mpps = st.builds(Mpp, st.floats(0.05, 2), st.floats(0.05, 2))
origins = st.tuples(st.floats(-100, 100), st.floats(-100, 100))


def as_points(rows):
    return np.array(rows, np.float64).reshape(-1, 2)


@given(places, mpps, origins)
def test_millimetres_lead_back_to_the_pixel(rows, mpp, origin):
    xy = as_points(rows)
    back = platform_mm_to_image(image_to_platform_mm(xy, mpp, origin), mpp, origin)
    assert back.shape == xy.shape
    np.testing.assert_allclose(back, xy, atol=1e-6)


def test_the_centre_of_the_first_pixel_is_the_platforms_zero():
    centre = as_points([(0.5, 0.5)])
    assert image_to_platform_mm(centre, Mpp(0.25, 0.5), (0.0, 0.0)).tolist() == [[0.0, 0.0]]
    assert image_to_platform_mm(centre, Mpp(0.25, 0.5), (1.5, 2.5)).tolist() == [[1.5, 2.5]]


def test_a_millimetre_is_four_thousand_pixels_of_a_quarter_micrometre():
    mm = image_to_platform_mm(as_points([(4000.5, 2000.5)]), Mpp(0.25, 0.5), (0.0, 0.0))
    np.testing.assert_allclose(mm, [[1.0, 1.0]])


def test_micrometres_count_from_the_corner_of_the_image():
    assert image_to_um(as_points([(0, 0), (10, 10)]), Mpp(0.25, 0.5)).tolist() == [[0, 0], [2.5, 5]]


def test_a_box_of_a_tile_lies_where_the_tile_does():
    boxes = np.array([[0, 0, 32, 32], [10, 20, 42, 52]], np.float32)
    moved = tile_to_image(boxes, origin_px=(100, 200), scale=Scale(2.0, 0.5))
    assert moved.tolist() == [[100, 200, 164, 216], [120, 210, 184, 226]]
    assert moved.dtype == np.float32
    assert centres(moved).tolist() == [[132, 208], [152, 218]]
    assert centres(moved).dtype == np.float64


def test_no_place_stays_no_place():
    none, no_boxes = as_points([]), np.empty((0, 4), np.float32)
    assert image_to_um(none, Mpp(1, 1)).shape == (0, 2)
    assert image_to_platform_mm(none, Mpp(1, 1), (0, 0)).shape == (0, 2)
    assert platform_mm_to_image(none, Mpp(1, 1), (0, 0)).shape == (0, 2)
    assert tile_to_image(no_boxes, origin_px=(1, 1), scale=Scale(1, 1)).shape == (0, 4)
    assert centres(no_boxes).shape == (0, 2)


def test_the_area_of_a_region():
    assert area_mm2((4000, 2000), Mpp(0.25, 0.5)) == pytest.approx(1.0)
