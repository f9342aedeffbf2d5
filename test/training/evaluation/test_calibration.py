from dataclasses import replace

import numpy as np
import pytest

from algorithm.bundle import Calibration
from training.evaluation.calibration import CalibrationError, expected_f1, fit, is_figure, matches, with_probability
from training.evaluation.scores import CURVE_THRESHOLDS, counts, figures_per_mm2

APART_UM = 100.0


@pytest.fixture
def synthetic(predicted):
    """Return a function that makes detections which are figures with sigmoid(slope * logit(score) + intercept)."""

    def made(slope: float, intercept: float, n: int = 3000):
        rng = np.random.default_rng(1)
        score = rng.uniform(0.02, 0.98, n)
        logit = np.log(score / (1 - score))
        figure = rng.random(n) < 1 / (1 + np.exp(-(slope * logit + intercept)))
        at = np.arange(n) * APART_UM
        return [
            predicted(at[part][figure[part]], at[part], score[part]) for part in (slice(0, n // 2), slice(n // 2, n))
        ]

    return made


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (1.8, -0.9), (0.6, 0.5)])
def test_known_relation_of_score_and_figure_is_recovered(synthetic, slope, intercept):
    found = fit(synthetic(slope, intercept), fitted_on="synthetic")
    assert found.calibration.slope == pytest.approx(slope, abs=0.2)
    assert found.calibration.intercept == pytest.approx(intercept, abs=0.2)
    assert found.calibration.fitted_on == "synthetic"


def test_calibrated_probabilities_are_the_parts_that_are_figures(synthetic):
    images = synthetic(1.8, -0.9)
    calibration = fit(images, fitted_on="").calibration
    probability = np.concatenate([with_probability(image, calibration).probability for image in images])
    hit = np.concatenate([is_figure(image) for image in images])
    for low in (0.1, 0.3, 0.5, 0.7):
        chosen = (probability >= low) & (probability < low + 0.2)
        assert hit[chosen].mean() == pytest.approx(probability[chosen].mean(), abs=0.05)


def test_threshold_is_as_good_as_the_best_one(synthetic):
    images = synthetic(1.8, -0.9)
    found = fit(images, fitted_on="")
    calibrated = [with_probability(image, found.calibration) for image in images]
    best = max(counts(calibrated, threshold).f1 for threshold in CURVE_THRESHOLDS[::4])
    assert counts(calibrated, found.threshold).f1 > best - 0.015
    assert found.f1 == pytest.approx(counts(calibrated, found.threshold).f1, abs=0.01)
    assert 0 < found.threshold < 1


def test_threshold_for_rarer_figures_is_the_best_one_where_they_are_rarer(synthetic):
    """Taken out by chance, four in five figures, with their detections: the threshold suits what is left."""
    images = synthetic(1.8, -0.9)
    dense, sparse = fit(images, fitted_on=""), fit(images, fitted_on="", per_mm2=0.2 * figures_per_mm2(images))
    assert sparse.calibration == dense.calibration
    assert sparse.threshold > dense.threshold + 0.1
    rng = np.random.default_rng(2)
    left = [_thinned(with_probability(image, dense.calibration), rng) for image in images]
    best = max(counts(left, threshold).f1 for threshold in CURVE_THRESHOLDS[::4])
    assert counts(left, sparse.threshold).f1 > best - 0.015
    assert counts(left, dense.threshold).f1 < best - 0.02


def _thinned(image, rng):
    stays = rng.random(len(image.truth_um)) < 0.2
    which = matches(image)
    kept = (which < 0) | stays[which]
    found = {name: getattr(image, name)[kept] for name in ("found_um", "score", "probability")}
    return replace(image, truth_um=image.truth_um[stays], **found)


@pytest.mark.parametrize("per_mm2", [0, -1, np.nan, np.inf])
def test_no_threshold_for_no_number_of_figures(synthetic, per_mm2):
    with pytest.raises(CalibrationError, match="figures a mm2: give a number above 0"):
        fit(synthetic(1.8, -0.9), fitted_on="", per_mm2=per_mm2)


def test_as_many_figures_as_there_are_change_nothing(synthetic):
    images = synthetic(1.8, -0.9)
    assert fit(images, fitted_on="", per_mm2=figures_per_mm2(images)) == fit(images, fitted_on="")


@pytest.mark.parametrize(("truth", "found"), [([], []), ([], [10, 200]), ([10, 200], [10, 200])])
def test_both_kinds_of_detections_are_needed(predicted, truth, found):
    with pytest.raises(CalibrationError, match=rf"{len(found)} detections, .*both kinds are needed to calibrate"):
        fit([predicted(truth, found)], fitted_on="")


def test_no_image_is_no_data():
    with pytest.raises(CalibrationError, match="0 detections, 0 of them figures"):
        fit([], fitted_on="")


def test_scores_that_fall_with_figures_are_refused(predicted):
    at = np.arange(40) * APART_UM
    image = predicted(at[:20], at, np.linspace(0.1, 0.9, 40))
    with pytest.raises(CalibrationError, match=r"a higher score does not mean a figure here \(slope -"):
        fit([image], fitted_on="")


def test_probabilities_change_and_scores_stay(predicted):
    image = predicted([10], [10, 200], [0.5, 0.2])
    changed = with_probability(image, Calibration(slope=2.0, intercept=0.0, fitted_on=""))
    assert changed.score is image.score
    assert changed.probability == pytest.approx([0.5, 1 / 17], abs=1e-6)


# the F1 that probabilities promise


def test_promised_f1_is_the_one_that_is_counted_when_every_probability_is_true(synthetic):
    images = synthetic(1.8, -0.9, n=20_000)
    calibration = fit(images, fitted_on="").calibration
    calibrated = [with_probability(image, calibration) for image in images]
    probability = np.concatenate([image.probability for image in calibrated])
    promised = expected_f1(probability, CURVE_THRESHOLDS, missed=0)
    for at in (10, 30, 50, 70):
        assert promised[at] == pytest.approx(counts(calibrated, CURVE_THRESHOLDS[at]).f1, abs=0.02)


def test_best_threshold_is_half_of_the_best_promised_f1():
    probability = np.random.default_rng(0).beta(0.5, 1.5, 5000)
    promised = expected_f1(probability, CURVE_THRESHOLDS, missed=300)
    assert CURVE_THRESHOLDS[promised.argmax()] == pytest.approx(promised.max() / 2, abs=0.011)


def test_figures_without_a_detection_lower_the_promise_and_the_threshold():
    probability = np.linspace(0.01, 0.99, 500)
    none, many = (expected_f1(probability, CURVE_THRESHOLDS, missed=missed) for missed in (0, 200))
    assert (many < none).all()
    assert many.argmax() < none.argmax()


def test_nothing_found_promises_nothing():
    assert not expected_f1(np.empty(0), CURVE_THRESHOLDS, missed=0).any()
    assert not expected_f1(np.empty(0), CURVE_THRESHOLDS, missed=3).any()


# which detections are figures


def test_surest_detection_takes_the_figure(predicted):
    assert is_figure(predicted([100], [101, 100, 300], [0.6, 0.4, 0.9])).tolist() == [True, False, False]


def test_each_takes_the_nearest_figure_that_is_free(predicted):
    assert is_figure(predicted([100, 106], [105, 104], [0.9, 0.8])).tolist() == [True, True]


def test_nothing_is_a_figure_where_there_is_none(predicted):
    assert is_figure(predicted([], [1, 100])).tolist() == [False, False]
    assert is_figure(predicted([1], [])).shape == (0,)
