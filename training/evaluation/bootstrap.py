"""How sure a score is: intervals by drawing slides anew, as figures of one slide are not independent."""

from collections.abc import Sequence

import numpy as np

from training.evaluation.predictions import Predicted
from training.evaluation.scores import counts

DRAWS = 2000
LEVEL = 0.95
SEED = 0  # the same data, the same interval


def f1_interval(images: Sequence[Predicted], threshold: float) -> list[float] | None:
    """Return [low, high] of the pooled F1 over slides drawn with replacement, 95 % percentiles; None for one slide.

    Source: Efron 1979, with the slide as the unit that is drawn.
    """
    slides = sorted({image.slide for image in images})
    if len(slides) < 2:
        return None
    each = [counts([image for image in images if image.slide == slide], threshold) for slide in slides]
    tallies = np.array([(one.tp, one.fp, one.fn) for one in each])
    drawn = np.random.default_rng(SEED).integers(len(slides), size=(DRAWS, len(slides)))
    tp, fp, fn = tallies[drawn].sum(axis=1).T
    total = 2 * tp + fp + fn
    f1 = np.divide(2 * tp, total, out=np.zeros(DRAWS), where=total > 0)
    return np.quantile(f1, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).tolist()
