"""Probabilities under another prior, and folds that are held out."""

import numpy as np
import pytest
from predictions import drawn

from benchmarks.adaptation import as_they_are, held_out_f1, prior_by, shifted, with_prior


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_prior_of_the_detections_is_found(share):
    rng = np.random.default_rng(0)
    true = rng.random(20_000) < share
    logits = rng.normal(np.where(true, 1.0, -1.0), 1.0)
    even = 1 / (1 + np.exp(-2 * logits))  # exact for a prior of one half
    here = with_prior(even, 0.5)
    assert here.mean() == pytest.approx(share, abs=0.01)
    sure = (here > 0.4) & (here < 0.6)
    assert true[sure].mean() == pytest.approx(0.5, abs=0.1)


def test_same_prior_changes_nothing():
    said = np.array([0.9, 0.1, 0.5, 0.5])
    assert with_prior(said, 0.5) == pytest.approx(said, abs=0.02)


def test_slides_that_are_scored_higher_are_shifted_back():
    rng = np.random.default_rng(1)
    by_fold = [[drawn(rng, 60, 300, f"H{n}", offset=2.0 * n)] for n in range(3)]
    moved = [shifted(one) for one in by_fold]
    assert held_out_f1(moved, as_they_are, None) > held_out_f1(by_fold, as_they_are, None) + 0.1
    assert held_out_f1(by_fold, as_they_are, "other") == 0


def test_images_stay_in_their_order_and_empty_ones_empty():
    rng = np.random.default_rng(2)
    images = [drawn(rng, 3, 20, "H0"), drawn(rng, 0, 0, "H1"), drawn(rng, 2, 30, "H0")]
    for changed in (prior_by(lambda image: image.slide)(images, 0.2), shifted(images)):
        assert [len(image.probability) for image in changed] == [23, 0, 32]
        for image, before in zip(changed, images, strict=True):
            assert (np.diff(image.probability) <= 0).all() and image.found_um is before.found_um
