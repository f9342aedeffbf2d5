"""From raw scores to probabilities, and the threshold: both fitted on figures that the networks never saw."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from algorithm.bundle import Calibration, logit
from algorithm.errors import MitosisError
from training.evaluation.predictions import Predicted
from training.evaluation.scores import CURVE_THRESHOLDS, MATCH_RADIUS_UM, f1_curve

PLATEAU = 0.01  # thresholds whose F1 is this close to the best are as good as it
NO_PENALTY = 1e6  # scikit-learn's C: two parameters and hundreds of detections need no prior


class CalibrationError(MitosisError):
    """The data cannot tell figures from the rest."""


@dataclass(frozen=True)
class Fit:
    """calibration: score -> probability. threshold: on that probability; f1: what it reaches on the fitted data."""

    calibration: Calibration
    threshold: float
    f1: float


def fit(images: Sequence[Predicted], *, fitted_on: str) -> Fit:
    """Fit Platt scaling (Platt 1999) to whether detections are figures, then the threshold to F1.

    images: predictions with raw scores down to the networks' floor. The threshold is the middle of the plateau
    around the best F1: the best single one follows the noise of few figures. Raises CalibrationError.
    """
    scores = np.concatenate([image.score for image in images]) if images else np.empty(0)
    hits = np.concatenate([is_figure(image) for image in images]) if images else np.empty(0, bool)
    if hits.all() or not hits.any():
        raise CalibrationError(
            f"{len(scores)} detections, {int(hits.sum())} of them figures: both kinds are needed to calibrate"
        )
    model = LogisticRegression(C=NO_PENALTY).fit(logit(scores)[:, None], hits)
    slope, intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
    if slope <= 0:
        raise CalibrationError(f"a higher score does not mean a figure here (slope {slope:.2f})")
    calibration = Calibration(slope=round(slope, 4), intercept=round(intercept, 4), fitted_on=fitted_on)
    curve = f1_curve([with_probability(image, calibration) for image in images])
    threshold = plateau(CURVE_THRESHOLDS, curve)
    return Fit(calibration, threshold, float(curve[int(np.abs(CURVE_THRESHOLDS - threshold).argmin())]))


def plateau(thresholds: NDArray[np.float64], f1: NDArray[np.float64]) -> float:
    """Return the middle of the unbroken run of thresholds around the best F1 that stay within PLATEAU of it."""
    best = first = last = int(f1.argmax())
    while first > 0 and f1[first - 1] >= f1[best] - PLATEAU:
        first -= 1
    while last < len(f1) - 1 and f1[last + 1] >= f1[best] - PLATEAU:
        last += 1
    return round(float(thresholds[first] + thresholds[last]) / 2, 3)


def with_probability(image: Predicted, calibration: Calibration) -> Predicted:
    """Return the predictions with other probabilities of the same scores."""
    return replace(image, probability=calibration.probability(image.score).astype(np.float32).astype(np.float64))


def is_figure(image: Predicted) -> NDArray[np.bool_]:
    """Return (n,) which detections are figures: the best first, each takes the nearest free figure within 7.5 um."""
    hit = np.zeros(len(image.score), bool)
    free = np.ones(len(image.truth_um), bool)
    for number in np.argsort(-image.score, kind="stable"):
        distance = np.where(free, np.hypot(*(image.truth_um - image.found_um[number]).T), np.inf)
        if len(distance) and distance.min() <= MATCH_RADIUS_UM:
            free[distance.argmin()] = False
            hit[number] = True
    return hit
