"""Predictions that were never made by a network: for tests of what is done with scores."""

import numpy as np

from training.evaluation.predictions import Predicted


def drawn(rng: np.random.Generator, figures: int, rest: int, slide: str, *, offset: float = 0.0) -> Predicted:
    """Return an image with a figure or an imposter every 50 um; logits of figures are higher by 3."""
    count = figures + rest
    true = rng.permutation(count) < figures
    places = np.stack([50.0 * np.arange(count), np.zeros(count)], axis=1)
    score = 1 / (1 + np.exp(-(rng.normal(np.where(true, 1.0, -2.0), 1.0) + offset)))
    order = np.argsort(-score)
    return Predicted("set", slide, "", "", slide, 1.0, places[true], places[order], score[order], score[order])
