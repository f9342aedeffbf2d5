"""Slides are told apart by their figures, and figures taken away change what threshold is promised."""

from dataclasses import replace

import numpy as np
import pytest
from predictions import drawn

from benchmarks import density
from benchmarks.density import by_density, measured, row, thinned, weighted_f1
from training.evaluation.calibration import is_figure
from training.evaluation.scores import Counts
from training.index import DataError


@pytest.fixture
def images():
    """Two slides with 40 figures a mm2, each on two images, and one with 5; as many imposters everywhere."""
    rng = np.random.default_rng(0)
    dense = [drawn(rng, 40, 200, slide) for slide in ("H03", "H03", "H04")]
    return [drawn(rng, 5, 200, "H12"), *dense]


def test_a_slide_counts_by_all_of_its_images(images):
    images[1] = replace(images[1], area_mm2=20.0)  # alone it would be sparse, and so would its slide
    sparse, dense = by_density(images)
    assert {image.slide for image in sparse} == {"H12", "H03"} and {image.slide for image in dense} == {"H04"}
    assert len(sparse) + len(dense) == len(images)


def test_slides_of_one_name_in_two_data_sets_are_two(images):
    images.append(replace(images[0], dataset="other", slide="H03"))
    sparse, dense = by_density(images)
    assert [image.dataset for image in sparse if image.slide == "H03"] == ["other"]
    assert measured(sparse, 0.5).slides == 2 and len(dense) == 3


def test_what_is_there_and_what_is_promised_are_counted(images):
    group = measured(images, 0.5)
    assert (group.slides, group.figures, group.area_mm2) == (3, 125, 4.0)
    assert group.found == 125  # each has a detection
    assert group.promised == pytest.approx(sum(image.probability.sum() for image in images))
    in_vain = sum(image.probability.sum() - image.probability[is_figure(image)].sum() for image in images)
    assert group.in_vain_per_mm2 == pytest.approx(in_vain / 4)
    assert group.f1 <= group.best_f1
    assert row(group).count("|") == 9


def test_the_rarer_figures_are_the_higher_the_threshold_and_the_lower_its_f1(images):
    best = [thinned(images, share, 0.5) for share in (1.0, 0.5, 0.1)]
    assert best[0][0] < best[1][0] < best[2][0]
    assert best[0][1] > best[1][1] > best[2][1]
    assert all(at_own <= at_best for _, at_best, at_own in best)


def test_taking_figures_away_promises_what_is_counted_without_them(images):
    """Of detections that are as probable as they say, F1 with every other figure gone is what thinning promises."""
    rng = np.random.default_rng(1)
    probability = np.sort(rng.random(4000))[::-1]
    true = rng.random(4000) < probability
    places = np.stack([50.0 * np.arange(4000), np.zeros(4000)], axis=1)
    whole = replace(images[0], truth_um=places[true], found_um=places, score=probability, probability=probability)
    stay = ~true | (rng.random(4000) < 0.5)
    left = replace(
        whole,
        truth_um=places[true & stay],
        found_um=places[stay],
        score=probability[stay],
        probability=probability[stay],
    )
    assert thinned([whole], 0.5, 0.6)[2] == pytest.approx(measured([left], 0.6).f1, abs=0.02)


def test_a_figure_that_counts_as_one_changes_nothing_and_half_of_one_halves_it():
    at = Counts(tp=6, fp=3, fn=2, area_mm2=1.0)
    assert weighted_f1(at, 1.0) == at.f1
    assert weighted_f1(at, 0.5) == Counts(tp=3, fp=3, fn=1, area_mm2=1.0).f1
    assert weighted_f1(Counts(0, 0, 0, 1.0), 0.5) == 0


def test_images_without_a_figure_are_refused(images, monkeypatch, with_facts, tmp_path):
    none = replace(images[0], truth_um=np.empty((0, 2)))
    monkeypatch.setattr(density, "load_bundle", lambda folder: with_facts())
    monkeypatch.setattr(density, "predict_unseen", lambda *_: [none])
    monkeypatch.setattr(density.chosen, "images_of", lambda options: [])
    monkeypatch.setattr("sys.argv", ["density", "--bundle", str(tmp_path), "--data", str(tmp_path)])
    with pytest.raises(DataError, match="no figure in these images"):
        density.main()
