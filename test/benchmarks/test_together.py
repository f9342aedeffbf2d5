from dataclasses import replace

import numpy as np
import pytest

from benchmarks.together import row, together
from training.evaluation.predictions import Predicted


@pytest.fixture
def image():
    """Figures at (10, 10) and (100, 10) um; the first is found, and something beside them."""
    return said([(10, 10), (50, 50)], [0.8, 0.4])


def said(places, scores):
    score = np.array(scores, np.float64)
    found_um = np.array(places, np.float64).reshape(-1, 2)
    truth_um = np.array([(10, 10), (100, 10)], np.float64)
    return Predicted("set", "H05", "", "", "image", 1.0, truth_um, found_um, score, score)


def test_what_both_see_is_averaged_and_what_one_sees_alone_counts_half(image):
    other = said([(12, 10), (100, 10)], [0.6, 0.9])
    (both,) = together([[image], [other]], radius_um=7.5)
    assert list(map(tuple, both.found_um)) == [(11, 10), (100, 10), (50, 50)]
    assert both.score == pytest.approx([0.7, 0.45, 0.2])
    assert list(both.truth_um[1]) == [100, 10]


def test_one_alone_stays_as_it_is(image):
    (alone,) = together([[image]], radius_um=7.5)
    assert (alone.found_um == image.found_um).all()
    assert (alone.score == image.score).all()


def test_nothing_found_is_no_error(image):
    nothing = said([], [])
    assert len(together([[nothing], [nothing]], radius_um=7.5)[0].score) == 0
    (half,) = together([[image], [nothing]], radius_um=7.5)
    assert half.score == pytest.approx([0.4, 0.2])


def test_bundles_of_other_images_are_refused(image):
    with pytest.raises(ValueError, match="zip"):
        together([[image, image], [image]], radius_um=7.5)


def test_a_row_counts_at_the_threshold_and_finds_the_best(image):
    figures, ap, f1, best, at = row([image], 0.3)
    assert figures == "2"
    assert f1 == "0.500"  # one of two figures, one false
    assert best == "0.667"  # without the false one
    assert 0.4 <= float(at) <= 0.8
    assert float(ap) == pytest.approx(0.5, abs=0.01)
    lost = replace(image, score=image.score * 0, probability=image.probability * 0)
    assert row([lost], 0.3)[2] == "0.000"
