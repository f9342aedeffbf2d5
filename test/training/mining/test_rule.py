from pathlib import Path

import numpy as np
import pytest

from algorithm.frames import Mpp
from training.index import Annotation, IndexedImage
from training.mining.rule import as_indexed_images, mined_from

MARGIN_UM = 15.0


@pytest.fixture
def image():
    """A figure and an imposter; 15 um are 60 px across and 30 px down."""
    cells = (Annotation(500, 500, "MF"), Annotation(800, 200, "NMF"))
    return IndexedImage("set", "H03", Path("H03_a.png"), (1000, 1000), Mpp(0.25, 0.5), cells)


def mined(image, *found, threshold=0.25):
    """found: x, y, score."""
    rows = np.array(found, np.float64).reshape(-1, 3)
    return mined_from(image, rows[:, :2], rows[:, 2], threshold=threshold, margin_um=MARGIN_UM)


def test_nothing_found_is_nothing_mined(image):
    nothing = mined(image)
    assert (nothing.detections, nothing.xy.shape, nothing.score.shape) == (0, (0, 2), (0,))
    assert as_indexed_images([nothing]) == []


def test_each_detection_is_counted_once(image):
    one = mined(
        image, (300, 300, 0.3), (200, 300, 0.9), (500, 510, 0.9), (805, 200, 0.9), (1, 300, 0.9), (400, 700, 0.2)
    )
    assert (one.detections, one.by_figures, one.known, one.by_border) == (5, 1, 1, 1)
    assert one.xy.tolist() == [[200, 300], [300, 300]]  # highest score first
    assert one.score.tolist() == [0.9, 0.3]
    assert one.area_mm2 == pytest.approx(0.125)


@pytest.mark.parametrize(
    ("x", "y", "new"),
    [
        (560, 500, 0), (561, 500, 1), (500, 530, 0), (500, 531, 1),  # 15 um from the figure
        (830, 200, 0), (831, 200, 1), (800, 215, 0), (800, 216, 1),  # 7.5 um from the imposter
        (29, 700, 0), (30, 700, 1), (971, 700, 0), (300, 14, 0), (300, 15, 1), (300, 986, 0),  # 7.5 um from the border
    ],
)  # fmt: skip
def test_distances_are_in_micrometres_along_each_axis(image, x, y, new):
    assert len(mined(image, (x, y, 0.9)).xy) == new


def test_a_score_at_the_threshold_is_mined_though_it_came_as_float32(image):
    assert len(mined(image, (200, 300, float(np.float32(0.3))), threshold=0.3).xy) == 1


def test_the_image_keeps_its_annotations_and_gets_a_set_of_its_own(image):
    (written,) = as_indexed_images([mined(image, (200, 300, 0.9), (804, 200, 0.9)), mined(image)])
    assert (written.dataset, written.slide, written.path) == ("set-mined", "H03", image.path)
    assert written.annotations == (*image.annotations, Annotation(200, 300, "NMF"))
