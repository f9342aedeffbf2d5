"""The result object: right or refused, and never changed."""

import dataclasses

import numpy as np
import pytest

from algorithm.detections import Detections
from algorithm.frames import Mpp


def detections(n=3, **changes):
    fields = {
        "xy": np.arange(2 * n, dtype=np.float64).reshape(n, 2),
        "probability": np.linspace(0.9, 0.1, n).astype(np.float32),
        "score": np.linspace(0.8, 0.2, n).astype(np.float32),
        "box": np.zeros((n, 4), np.float32),
        "image": "a.tif",
        "size": (4000, 2000),
        "mpp": Mpp(0.25, 0.5),
        "threshold": 0.5,
        "bundle": "tiny 1.0",
        "bundle_hash": "0" * 64,
    }
    return Detections(**(fields | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"xy": np.zeros((3, 3))}, r"Detections.xy: float64\[3, 2\] expected, got float64\[3, 3\]"),
        ({"xy": np.zeros((3, 2), np.float32)}, r"Detections.xy: float64\[3, 2\] expected, got float32\[3, 2\]"),
        ({"score": np.zeros(2, np.float32)}, r"Detections.score: float32\[3\] expected, got float32\[2\]"),
        ({"probability": np.zeros(3)}, r"Detections.probability: float32\[3\] expected, got float64\[3\]"),
        ({"box": np.zeros((0, 4), np.float32)}, r"Detections.box: float32\[3, 4\] expected, got float32\[0, 4\]"),
        ({"xy": np.full((3, 2), np.nan)}, "Detections.xy: holds NaN or infinity"),
        ({"box": np.full((3, 4), np.inf, np.float32)}, "Detections.box: holds NaN or infinity"),
        ({"probability": np.array([1.1, 0, 0], np.float32)}, r"Detections.probability: outside of \[0, 1\]"),
        ({"score": np.array([1, 0, -0.1], np.float32)}, r"Detections.score: outside of \[0, 1\]"),
    ],
)
def test_a_wrong_field_is_refused_by_name(changes, message):
    with pytest.raises(ValueError, match=message):
        detections(**changes)


@pytest.mark.parametrize("field", ["xy", "probability", "score", "box"])
def test_arrays_cannot_be_changed(field):
    with pytest.raises(ValueError, match="read-only"):
        getattr(detections(), field)[0] = 0


def test_fields_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        detections().threshold = 0.1


def test_figures_and_candidates_are_all_and_keep_their_order():
    found = detections(5)
    assert found.is_figure.tolist() == [True, True, True, False, False]
    assert (len(found), len(found.figures), len(found.candidates)) == (5, 3, 2)
    joined = np.concatenate([found.figures.probability, found.candidates.probability])
    assert (joined == found.probability).all()
    assert found.figures.threshold == found.candidates.threshold == 0.5


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.7, 0.9])
def test_a_probability_at_the_threshold_is_a_figure(threshold):
    found = detections(1, probability=np.array([threshold], np.float32), threshold=threshold)
    assert len(found.figures) == 1


def test_no_detection_is_a_result():
    found = detections(0)
    assert len(found) == len(found.figures) == len(found.candidates) == 0
    assert found.figures.xy.shape == (0, 2)
    assert found.is_figure.dtype == bool


def test_the_area_is_that_of_the_image():
    assert detections().area_mm2 == pytest.approx(1.0)
