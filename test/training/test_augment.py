import numpy as np
import pytest

from training.augment import Augment

STILL = Augment(turn_and_flip=False, hue_deg=0, saturation=0, value=0)
NO_BOXES = np.empty((0, 4), np.float32)


@pytest.fixture(scope="module")
def tissue() -> np.ndarray:
    """Pinks and purples of every shade, (48, 64, 3) uint8."""
    rng = np.random.default_rng(0)
    return rng.integers((90, 30, 90), (250, 220, 240), (48, 64, 3)).astype(np.uint8)


def jittered(pixels: np.ndarray, seed: int = 3, **changes) -> np.ndarray:
    settings = {"turn_and_flip": False, "hue_deg": 0, "saturation": 0, "value": 0} | changes
    return Augment(**settings)(pixels, NO_BOXES, np.random.default_rng(seed))[0]


def test_nothing_asked_is_nothing_changed(tissue):
    boxes = np.array([[1, 2, 3, 4]], np.float32)
    pixels, same = STILL(tissue, boxes, np.random.default_rng(0))
    assert (pixels == tissue).all()
    assert (same == boxes).all()


def test_only_turned_means_that_no_colour_changes(tissue):
    square = tissue[:48, :48]
    for seed in range(12):
        pixels, _ = Augment(True, 0, 0, 0)(square, NO_BOXES, np.random.default_rng(seed))
        assert sorted(pixels.reshape(-1, 3).tolist()) == sorted(square.reshape(-1, 3).tolist())


@pytest.mark.parametrize("change", [{"hue_deg": 12.0}, {"saturation": 0.3}, {"value": 0.15}])
def test_jitter_changes_colours_but_neither_shape_nor_type(tissue, change):
    before = tissue.copy()
    pixels = jittered(tissue, **change)
    assert pixels.shape == tissue.shape
    assert pixels.dtype == np.uint8
    assert (pixels != tissue).mean() > 0.3
    assert (tissue == before).all()  # and not in place


def test_value_brightens_or_darkens_and_never_by_more_than_asked(tissue):
    means = [jittered(tissue, seed, value=0.15).mean() / tissue.mean() for seed in range(30)]
    assert min(means) < 0.95
    assert max(means) > 1.03
    assert min(means) > 0.84
    assert max(means) < 1.16


def test_grey_has_no_hue_to_change():
    grey = np.full((8, 8, 3), 128, np.uint8)
    assert (jittered(grey, hue_deg=90.0, saturation=0.9) == 128).all()


def test_turn_of_hue_by_a_third_of_the_circle_swaps_the_channels():
    class Third:
        def uniform(self, low, high, size):
            return np.array([1.0, 0, 0])

    red = np.full((4, 4, 3), (200, 0, 0), np.uint8)
    pixels, _ = Augment(False, 120.0, 0, 0)(red, NO_BOXES, Third())
    assert np.abs(pixels[0, 0].astype(int) - (0, 200, 0)).max() <= 4


@pytest.mark.parametrize("size", [(64, 64), (96, 32)])
def test_all_views_that_keep_the_shape_are_drawn(size):
    width, height = size
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[3:8, 5:9] = 255
    box = np.array([[5, 3, 9, 8]], np.float32)
    seen = set()
    for seed in range(100):
        turned, [(x1, y1, x2, y2)] = Augment(True, 0, 0, 0)(pixels, box, np.random.default_rng(seed))
        assert turned.shape == pixels.shape
        assert (turned[int(y1) : int(y2), int(x1) : int(x2)] == 255).all()
        assert (turned == 255).all(axis=2).sum() == 20
        seen.add((x1, y1, x2, y2))
    assert len(seen) == (8 if width == height else 4)


def test_equal_seeds_give_equal_patches(tissue):
    boxes = np.array([[5, 3, 9, 8], [20, 20, 40, 40]], np.float32)
    for seed in range(5):
        one, other = (Augment()(tissue, boxes, np.random.default_rng(seed)) for _ in range(2))
        assert (one[0] == other[0]).all()
        assert (one[1] == other[1]).all()
