"""The picture that a person looks at first."""

import cv2
import numpy as np
import pytest

from algorithm.frames import Mpp
from algorithm.writers import overlay

HALF_UM = Mpp(0.5, 0.5)


@pytest.fixture
def picture_of(memory_image, detections_of):
    """Return a function that draws detections on a light image of size (width, height)."""

    def picture(rows, *, size=(400, 300), mpp=HALF_UM):
        image = memory_image(np.full((size[1], size[0], 3), 230, np.uint8), mpp)
        return overlay.draw(detections_of(rows, size=size, mpp=mpp), image)

    return picture


def near(picture, x, y, colour):
    """Return whether a colour is at a place, or one pixel beside it."""
    patch = picture[max(round(y) - 1, 0) : round(y) + 2, max(round(x) - 1, 0) : round(x) + 2].astype(int)
    return bool((np.abs(patch - np.array(colour)).max(axis=2) < 40).any())


def test_a_figure_has_a_green_ring_at_its_radius_and_nothing_inside(picture_of):
    picture = picture_of([(120.0, 100.0, 0.9)])
    radius = overlay.RING_RADIUS_UM / 0.5
    for angle in np.linspace(0, 2 * np.pi, 12, endpoint=False):
        assert near(picture, 119.5 + radius * np.cos(angle), 99.5 + radius * np.sin(angle), overlay.FIGURE_RGB)
    y, x = np.mgrid[:300, :400]
    inside = np.hypot(x + 0.5 - 120, y + 0.5 - 100) < radius - 5
    assert (picture[inside] == 230).all()


def test_a_candidate_has_a_smaller_amber_ring_and_no_number(picture_of):
    picture = picture_of([(120.0, 100.0, 0.2)])
    radius = overlay.RING_RADIUS_UM / 0.5 * overlay.CANDIDATE_RADIUS
    assert near(picture, 119.5 + radius, 99.5, overlay.CANDIDATE_RGB)
    assert near(picture, 119.5, 99.5 - radius, overlay.CANDIDATE_RGB)
    beyond = picture[60:95, 160:240]
    assert (beyond == 230).all()


def test_a_figure_shows_its_probability_beside_it(picture_of):
    assert (picture_of([(120.0, 100.0, 0.9)])[60:95, 145:200] != 230).any()


def test_a_figure_is_drawn_over_a_candidate(picture_of):
    radius = overlay.RING_RADIUS_UM / 0.5
    # the candidate's ring touches the figure's at its right end
    picture = picture_of([(120.0, 100.0, 0.9), (120 + radius * (1 - overlay.CANDIDATE_RADIUS), 100.0, 0.2)])
    assert near(picture, 119.5 + radius, 99.5, overlay.FIGURE_RGB)


@pytest.mark.parametrize("size", [(8000, 500), (300, 5000), (5000, 5000)])
def test_a_large_image_is_shrunk_and_its_rings_with_it(picture_of, size):
    factor = (4000 - overlay.BAND_MOST_PX) / max(size)
    x, y = size[0] * 0.5, size[1] * 0.4
    picture = picture_of([(x, y, 0.9)], size=size)
    assert max(picture.shape) <= 4000
    assert picture.shape[1] == round(size[0] * factor) and picture.shape[0] >= round(size[1] * factor)
    radius = max(overlay.RING_RADIUS_UM / 0.5 * factor, overlay.SMALLEST_RING_PX)
    assert near(picture, x * factor - 0.5, y * factor - 0.5 - radius, overlay.FIGURE_RGB)


def test_counts_and_scale_stand_in_a_band_below_and_hide_nothing(picture_of):
    picture = picture_of([(580.0, 280.0, 0.9), (20.0, 290.0, 0.1)], size=(600, 300))
    band = picture[300:]
    assert 0 < len(band) <= overlay.BAND_MOST_PX
    assert band.mean() < 80
    for colour in (overlay.FIGURE_RGB, overlay.CANDIDATE_RGB, overlay.LIGHT_RGB):
        assert (np.abs(band.astype(int) - colour).max(axis=2) < 40).any()
    assert (picture[:300].reshape(-1, 3) == 230).all(axis=1).mean() > 0.9


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (1, 300), (60, 40)])
@pytest.mark.parametrize("rows", [[], [(0.5, 0.5, 0.9), (0.2, 0.9, 0.1)]])
def test_tiny_images_are_drawn_as_well(picture_of, size, rows):
    assert picture_of(rows, size=size).shape == (size[1], size[0], 3)


@pytest.mark.parametrize("corner", [(0, 0), (399.9, 0), (0, 299.9), (399.9, 299.9)])
def test_a_ring_may_leave_the_picture(picture_of, corner):
    assert picture_of([(*corner, 0.9)]).shape == (300, 400, 3)


def test_the_image_itself_is_left_as_it_was(memory_image, detections_of):
    pixels = np.full((300, 400, 3), 230, np.uint8)
    overlay.draw(detections_of([(50, 50, 0.9)], size=(400, 300)), memory_image(pixels, HALF_UM))
    assert (pixels == 230).all()


def test_the_file_is_the_picture_with_red_green_and_blue_in_their_places(tmp_path, memory_image, detections_of):
    pixels = np.zeros((50, 60, 3), np.uint8)
    pixels[:] = (200, 100, 50)
    overlay.write(tmp_path / overlay.FILE_NAME, detections_of([], size=(60, 50)), memory_image(pixels, HALF_UM))
    assert [path.name for path in tmp_path.iterdir()] == ["overlay.png"]
    read = cv2.cvtColor(cv2.imread(str(tmp_path / "overlay.png")), cv2.COLOR_BGR2RGB)
    assert (read == pixels).all()
