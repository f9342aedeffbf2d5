from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from algorithm.engines.base import Engine, Raw
from algorithm.errors import BundleError
from export.agreement import FP16_LIMIT, FP32_LIMIT, Difference, accept, difference, tiles_of

TILE, FLOOR = np.zeros((64, 64, 3), np.uint8), 0.02


class Fixed(Engine):
    """Says the same of every tile."""

    def __init__(self, raw: Raw) -> None:
        self._raw = raw

    def submit(self, tiles):
        pass

    def result(self) -> Raw:
        return self._raw


def raw(*found: tuple[float, float]) -> Raw:
    """Return what a network said: (score, left) of each box."""
    boxes = np.float32([[left, 0, left + 32, 32] for _, left in found])
    return Raw(boxes[None], np.float32([score for score, _ in found])[None])


EXPECTED = raw((0.9, 10), (0.5, 100), (0.3, 200), (0.0, 0))


def differs(found: Raw) -> Difference:
    return difference(Fixed(found), [TILE], [EXPECTED], score_floor=FLOOR)


def test_equal_results_do_not_differ():
    assert differs(EXPECTED) == Difference(0.0, 0.0)


def test_largest_differences_are_reported():
    found = differs(raw((0.9, 10.25), (0.48, 100), (0.3, 200), (0.0, 0)))
    assert found.score == pytest.approx(0.02)
    assert found.box_px == pytest.approx(0.25)


def test_boxes_of_equal_scores_may_change_places():
    assert differs(raw((0.9, 100), (0.5, 10), (0.3, 200), (0.0, 0))).box_px == 0


def test_box_that_is_missing_is_far_away():
    assert differs(raw((0.9, 10), (0.5, 300), (0.3, 200), (0.0, 0))).box_px == pytest.approx(90)


def test_places_below_what_is_sure_do_not_matter():
    expected = raw((0.9, 10), (0.05, 100))
    assert difference(Fixed(raw((0.9, 10), (0.05, 300))), [TILE], [expected], score_floor=FLOOR).box_px == 0


def test_score_that_crosses_the_floor_differs_by_what_it_crossed():
    expected = raw((0.9, 10), (0.021, 100))
    found = difference(Fixed(raw((0.9, 10), (0.0, 0))), [TILE], [expected], score_floor=FLOOR)
    assert found.score == pytest.approx(0.001)


def test_nan_is_a_difference_that_nothing_accepts():
    nan = float("nan")
    for broken in (
        raw((nan, 10), (0.5, 100), (0.3, 200), (0.0, 0)),
        raw((0.9, nan), (0.5, nan), (0.3, nan), (0.0, nan)),
    ):
        found = difference(Fixed(broken), [TILE, TILE], [EXPECTED, EXPECTED], score_floor=FLOOR)
        with pytest.raises(BundleError, match="nan"):
            accept("ema", found, FP16_LIMIT)


@pytest.mark.parametrize(
    "found", [Difference(2e-3, 0), Difference(0, 0.6), Difference(float("nan"), 0), Difference(0, float("nan"))]
)
def test_too_large_a_difference_is_refused_with_its_size(found):
    message = rf"ema: scores differ from torch by {found.score:.2e} \(limit 1e-03\), boxes by {found.box_px:.2f} px"
    with pytest.raises(BundleError, match=message.replace("+", r"\+")):
        accept("ema", found, FP32_LIMIT)


def test_difference_at_the_limit_is_accepted():
    accept("ema", Difference(FP32_LIMIT, 0.5), FP32_LIMIT)
    accept("ema", Difference(5e-3, 0.1), FP16_LIMIT)
    with pytest.raises(BundleError):
        accept("ema", Difference(5e-3, 0.1), FP32_LIMIT)


@pytest.mark.parametrize("mpp", [0.25, 0.5])
def test_tile_is_the_middle_of_the_image_at_the_working_resolution(tmp_path: Path, mpp):
    pixels = np.full((400, 500, 3), 255, np.uint8)
    pixels[180:220, 230:270] = 0  # the middle, 10 um wide
    PIL.Image.fromarray(pixels).save(tmp_path / "a.png", dpi=(101_600, 101_600))  # 0.25 um/px
    [tile] = tiles_of([tmp_path / "a.png"], tile_px=128, mpp=mpp)
    assert tile.shape == (128, 128, 3)
    y, x = np.nonzero(tile[..., 0] < 128)
    assert (x.mean() + 0.5, y.mean() + 0.5) == pytest.approx((64, 64), abs=0.6)
    assert len(x) == pytest.approx((10 / mpp) ** 2, rel=0.1)
