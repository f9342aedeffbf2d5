import math

import numpy as np
import pytest

from training.evaluation.scores import (
    CURVE_THRESHOLDS,
    MATCH_RADIUS_UM,
    Counts,
    average_precision,
    counts,
    f1_curve,
    figures_per_mm2,
    froc,
    froc_area,
)


def tally(images, threshold: float = 0.5) -> tuple[int, int, int]:
    found = counts(images, threshold)
    return found.tp, found.fp, found.fn


def test_figures_are_counted_on_the_area_of_all_images(predicted):
    images = [predicted([100, 200], []), predicted([], [300])]
    assert figures_per_mm2(images) == pytest.approx(2 / sum(image.area_mm2 for image in images))


# matching


def test_matching_is_greedy_by_truth_as_the_organisers_have_it(predicted):
    # the first figure takes the nearer prediction, which alone could have matched the second
    assert tally([predicted([100, 111], [104.5, 93])]) == (1, 1, 1)


def test_second_prediction_of_a_figure_is_a_false_positive(predicted):
    assert tally([predicted([100], [100, 101, 99])]) == (1, 2, 0)


@pytest.mark.parametrize(("distance", "matched"), [(0, 1), (7.4, 1), (MATCH_RADIUS_UM, 1), (7.6, 0)])
def test_match_reaches_to_7_5_um_and_no_further(predicted, distance, matched):
    assert tally([predicted([100], [100 + distance])]) == (matched, 1 - matched, 1 - matched)


def test_distance_is_taken_in_both_axes(predicted):
    image = predicted(np.array([[10.0, 10.0]]), np.array([[16.0, 16.0]]))
    assert tally([image]) == (0, 1, 1)  # 8.5 um apart


def test_threshold_is_inclusive(predicted):
    image = predicted([100, 200], [100, 200], [0.3, 0.29])
    assert tally([image], 0.3) == (1, 0, 1)
    assert tally([image], 0.29) == (2, 0, 0)


@pytest.mark.parametrize(
    ("truth", "found", "expected"), [([], [], (0, 0, 0)), ([], [5, 90], (0, 2, 0)), ([5, 90, 300], [], (0, 0, 3))]
)
def test_images_without_truth_or_predictions_are_counted(predicted, truth, found, expected):
    assert tally([predicted(truth, found)]) == expected


def test_images_are_matched_each_for_itself(predicted):
    assert tally([predicted([100], []), predicted([], [100])]) == (0, 1, 1)
    assert tally([]) == (0, 0, 0)


def test_rates_follow_from_the_counts():
    found = Counts(tp=6, fp=2, fn=4, area_mm2=4.0)
    assert (found.precision, found.recall) == (0.75, 0.6)
    assert found.f1 == pytest.approx(2 * 0.75 * 0.6 / 1.35)
    assert found.as_dict()["fp_per_mm2"] == 0.5
    assert found.as_dict()["mf"] == 10


def test_rates_of_nothing_are_zero():
    rates = Counts(0, 0, 0, 0.0).as_dict()
    assert [rates[name] for name in ("precision", "recall", "f1", "fp_per_mm2")] == [0, 0, 0, 0]


# curves


def test_f1_curve_holds_f1_at_each_threshold(predicted):
    image = predicted([100, 200], [100, 200, 300], [0.8, 0.4, 0.6])
    curve = dict(zip(CURVE_THRESHOLDS.tolist(), f1_curve([image]).tolist(), strict=True))
    assert curve[0.4] == pytest.approx(0.8)  # two of two, one in vain
    assert curve[0.41] == pytest.approx(0.5)
    assert curve[0.61] == pytest.approx(2 / 3)
    assert curve[0.81] == 0


def test_ap_of_a_perfect_detector_is_one(predicted):
    images = [predicted([100, 200, 300], [100, 201, 299], [0.9, 0.8, 0.3]), predicted([50], [50], [0.5])]
    assert average_precision(images) == pytest.approx(1.0)


def test_ap_of_a_small_case(predicted):
    # found: a figure, an imposter, a figure. Precision 1 up to half of the recall (51 of 101), then 2/3
    image = predicted([100, 300], [100, 200, 300], [0.9, 0.8, 0.7])
    assert average_precision([image]) == pytest.approx((51 + 50 * 2 / 3) / 101)


def test_ap_goes_by_the_order_of_probabilities_over_all_images(predicted):
    images = [predicted([100], [100], [0.5]), predicted([], [100], [0.9])]
    assert average_precision(images) == pytest.approx(0.5)


def test_ap_without_figures_or_predictions(predicted):
    assert math.isnan(average_precision([predicted([], [100])]))
    assert math.isnan(average_precision([]))
    assert average_precision([predicted([100], [])]) == 0


def test_ap_counts_more_than_a_hundred_detections(predicted):
    many = np.arange(300) * 50.0
    assert average_precision([predicted(many, many, np.linspace(0.9, 0.1, 300))]) == pytest.approx(1.0)


def test_froc_of_a_perfect_detector_is_one(predicted):
    assert froc_area(*froc([predicted([100, 200], [100, 200], [0.9, 0.7])])) == pytest.approx(8.0)


def test_froc_counts_recall_from_where_it_is_reached(predicted):
    # the imposter is surer than the figure: recall 1 begins at one false positive of eight, between two of 50 points
    image = predicted([100], [300, 100], [0.9, 0.8])
    assert froc_area(*froc([image])) == pytest.approx(7, abs=0.1)
    assert froc_area(*froc([image, image])) == pytest.approx(7, abs=0.1)  # false positives are an image's


def test_froc_lies_on_lines_between_thresholds_as_the_organisers_have_it():
    # recall 0.5 at 0 false positives, 1 at 4, which lasts: 0.75 on average over the first half
    fp, recall = np.array([0.0, 4.0]), np.array([0.5, 1.0])
    assert froc_area(fp, recall) == pytest.approx(4 * 0.75 + 4, abs=0.01)
    assert froc_area(fp + 2, recall) == pytest.approx(4 * 0.75 + 2, abs=0.1)  # nothing before the first


def test_froc_of_what_finds_nothing_is_zero(predicted):
    assert froc_area(*froc([predicted([100], [300])])) == 0
    assert froc_area(*froc([predicted([100], [])])) == 0
    assert froc_area(*froc([])) == 0


def test_froc_lies_between_nothing_and_all(predicted):
    rng = np.random.default_rng(0)
    for _ in range(10):
        truth, found = rng.uniform(0, 2000, 20), rng.uniform(0, 2000, 60)
        image = predicted(truth, found, rng.uniform(0, 1, 60))
        fp, recall = froc([image])
        assert (np.diff(fp) >= 0).all()
        assert (np.diff(recall) >= 0).all()
        assert 0 <= froc_area(*froc([image])) <= 8
