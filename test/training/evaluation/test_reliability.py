import numpy as np
import pytest

from training.evaluation.calibration import reliability
from training.evaluation.scores import precision_recall


def test_bins_hold_means_counts_and_the_part_that_are_figures(predicted):
    found = [0, 100, 200, 300, 400]
    bins = reliability([predicted([0, 100, 400], found, [0.95, 0.91, 0.93, 0.12, 0.55])])
    assert bins["count"] == [1, 1, 3]
    assert bins["probability"] == pytest.approx([0.12, 0.55, 0.93])
    assert bins["figures"] == pytest.approx([0, 1, 2 / 3])


def test_the_surest_probability_is_in_the_last_bin(predicted):
    assert reliability([predicted([0], [0], [1.0])])["count"] == [1]


def test_detections_of_all_images_are_pooled(predicted):
    images = [predicted([0], [0], [0.45], name=name) for name in ("a", "b")]
    assert reliability(images)["count"] == [2]


def test_nothing_found_has_no_bins(predicted):
    assert reliability([]) == reliability([predicted([0], [])]) == {"count": [], "probability": [], "figures": []}


def test_precision_and_recall_follow_the_detections_from_the_surest_on(predicted):
    """Surest first: a hit, a false one, a hit; one of three figures is never found."""
    precision, recall = precision_recall([predicted([0, 100, 200], [0, 500, 100], [0.9, 0.8, 0.7])])
    curve = set(zip(np.round(recall, 3).tolist(), np.round(precision, 3).tolist(), strict=True))
    assert {(0.333, 1.0), (0.667, 0.667)} <= curve
