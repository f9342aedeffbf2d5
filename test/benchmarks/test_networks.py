"""The table that compares networks."""

import numpy as np

from benchmarks.networks import row
from training.evaluation.predictions import Predicted


def image(scores: list[float], figures: int) -> Predicted:
    """Return an image with a detection every 50 um, from high to low; the first ones are figures."""
    places = np.stack([50.0 * np.arange(len(scores)), np.zeros(len(scores))], axis=1)
    score = np.array(scores)
    return Predicted("set", "H01", "", "", "a", 1.0, places[:figures], places, score, score)


def test_a_row_says_figures_ap_best_f1_and_the_score_it_is_at():
    # all figures above all others: the first threshold that leaves 0.395 out
    assert row("all", [image([0.9, 0.8, 0.395], figures=2)]) == "| all | 2 | 1.000 | 1.000 | 0.40 |"


def test_images_are_pooled():
    # 0.95 is no figure, 0.9 and 0.8 are: 2 of 3 are right at 0.8, F1 = 2 * 2 / (3 + 2); AP takes 2/3 for both
    pooled = [image([0.9, 0.8], figures=2), image([0.95], figures=0)]
    assert "| 2 | 0.667 | 0.800 |" in row("all", pooled)
