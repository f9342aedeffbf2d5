"""What every reader owes, asked of every reader."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from algorithm.frames import Mpp
from algorithm.images import open_image

WHITE = 255


def differ(pixels, expected) -> int:
    assert pixels.shape == expected.shape
    assert pixels.dtype == np.uint8
    return int(np.abs(pixels.astype(int) - expected.astype(int)).max())


def test_size_scale_and_label_are_what_was_written(stored):
    with open_image(stored.path) as image:
        assert image.size == (310, 223)
        assert image.mpp == (stored.mpp and pytest.approx((stored.mpp, stored.mpp), rel=1e-4))
        assert image.label
        assert image.path == stored.path


def test_the_whole_image_is_what_was_written(stored):
    with open_image(stored.path) as image:
        assert differ(image.read(0, 0, 310, 223), stored.pixels) <= stored.greys


@pytest.mark.parametrize("window", [(0, 0, 1, 1), (61, 17, 130, 95), (309, 222, 1, 1), (64, 64, 64, 64)])
def test_a_window_is_its_part_of_the_image(stored, window):
    x, y, width, height = window
    with open_image(stored.path) as image:
        assert differ(image.read(*window), stored.pixels[y : y + height, x : x + width]) <= stored.greys


def test_a_window_over_the_border_is_white_outside(stored):
    expected = np.full((100, 90, 3), WHITE, np.uint8)
    expected[40:, 30:] = stored.pixels[:60, :60]
    with open_image(stored.path) as image:
        assert differ(image.read(-30, -40, 90, 100), expected) <= stored.greys
        beyond = image.read(300, 200, 50, 50)
        assert (beyond[23:] == WHITE).all() and (beyond[:, 10:] == WHITE).all()
        assert differ(beyond[:23, :10], stored.pixels[200:, 300:]) <= stored.greys


@pytest.mark.parametrize("corner", [(-50, 0), (0, -50), (310, 0), (0, 223), (9999, -9999)])
def test_a_window_beside_the_image_is_white(stored, corner):
    with open_image(stored.path) as image:
        assert (image.read(*corner, 50, 50, out=(20, 30)) == WHITE).all()


@pytest.mark.parametrize("out", [(1, 1), (31, 22), (77, 55), (155, 111), (200, 30), (620, 446)])
def test_the_output_has_the_size_that_was_asked_for(stored, out):
    with open_image(stored.path) as image:
        assert image.read(0, 0, 310, 223, out=out).shape == (out[1], out[0], 3)


def test_what_is_read_belongs_to_the_caller(stored):
    with open_image(stored.path) as image:
        first = image.read(10, 10, 40, 30)
        before = first.copy()
        first[:] = 0
        assert (image.read(10, 10, 40, 30) == before).all()
        assert first.flags.c_contiguous


def test_a_thumbnail_shows_the_whole_image_within_its_limit(stored):
    with open_image(stored.path) as image:
        small = image.thumbnail(100)
        assert small.shape == (72, 100, 3)
        assert np.abs(small.mean(axis=(0, 1)) - stored.pixels.mean(axis=(0, 1))).max() < 3
        assert image.thumbnail(1000).shape == (223, 310, 3)


def test_the_callers_scale_wins_over_the_file(stored):
    with open_image(stored.path, mpp=Mpp(0.5, 0.4)) as image:
        assert image.mpp == (0.5, 0.4)


def test_reading_after_close_is_an_error(stored):
    image = open_image(stored.path)
    image.close()
    image.close()
    with pytest.raises(ValueError, match="read after close"):
        image.read(0, 0, 10, 10)


def test_an_empty_window_is_an_error(stored):
    with open_image(stored.path) as image, pytest.raises(ValueError, match="1 px is the least"):
        image.read(0, 0, 10, 0)


def test_eight_threads_read_what_one_reads(stored):
    rng = np.random.default_rng(7)
    corners = rng.integers(-20, 300, (64, 2)).tolist()
    sizes = rng.integers(1, 150, (64, 2)).tolist()
    windows = [(*corner, *size) for corner, size in zip(corners, sizes, strict=True)]
    with open_image(stored.path) as image:
        serial = [image.read(*window) for window in windows]
    gate = threading.Barrier(8)
    with open_image(stored.path) as image, ThreadPoolExecutor(8, initializer=gate.wait) as pool:
        together = list(pool.map(lambda window: image.read(*window), windows))
    assert all((one == other).all() for one, other in zip(serial, together, strict=True))
