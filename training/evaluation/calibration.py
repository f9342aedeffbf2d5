"""From raw scores to probabilities, and the threshold: both fitted on figures that the networks never saw."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from algorithm.bundle import Calibration, logit
from algorithm.errors import MitosisError
from training.evaluation.predictions import Predicted
from training.evaluation.scores import CURVE_THRESHOLDS, MATCH_RADIUS_UM, counts, figures_per_mm2

NO_PENALTY = 1e6  # scikit-learn's C: two parameters and hundreds of detections need no prior


class CalibrationError(MitosisError):
    """The data cannot tell figures from the rest."""


@dataclass(frozen=True)
class Fit:
    """calibration: score -> probability. threshold: on that probability; f1: what it reaches on the fitted data."""

    calibration: Calibration
    threshold: float
    f1: float


def fit(images: Sequence[Predicted], *, fitted_on: str, per_mm2: float | None = None) -> Fit:
    """Fit Platt scaling (Platt 1999) to whether detections are figures, then the threshold to the F1 it promises.

    images: predictions with raw scores down to the networks' floor. The threshold is the best one by the fitted
    probabilities, not by the figures counted: of the latter there are few, and the best threshold follows their
    noise (`python -m benchmarks.threshold` measures by how much). per_mm2: figures a mm2 of the tissue that the
    threshold is for, as many as these images hold where none is given; the probabilities are those of these images.
    Raises CalibrationError.
    """
    if per_mm2 is not None and not 0 < per_mm2 < math.inf:
        raise CalibrationError(f"{per_mm2} figures a mm2: give a number above 0")
    calibration = platt(*detections(images), fitted_on=fitted_on)
    calibrated = [with_probability(image, calibration) for image in images]
    share = 1.0 if per_mm2 is None else per_mm2 / figures_per_mm2(images)
    threshold = promised_threshold(calibrated, share=share)
    return Fit(calibration, threshold, counts(calibrated, threshold).f1)


def platt(scores: NDArray[np.float64], hits: NDArray[np.bool_], *, fitted_on: str) -> Calibration:
    """Return the logistic function of the scores' logit that fits hits, both (n,). Raises CalibrationError."""
    if hits.all() or not hits.any():
        raise CalibrationError(
            f"{len(scores)} detections, {int(hits.sum())} of them figures: both kinds are needed to calibrate"
        )
    model = LogisticRegression(C=NO_PENALTY).fit(logit(scores)[:, None], hits)
    slope, intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
    if slope <= 0:
        raise CalibrationError(f"a higher score does not mean a figure here (slope {slope:.2f})")
    return Calibration(slope=round(slope, 4), intercept=round(intercept, 4), fitted_on=fitted_on)


def promised_threshold(images: Sequence[Predicted], *, share: float = 1.0) -> float:
    """Return the threshold whose F1 is best if every detection is a figure with its probability.

    share: of the figures, see expected_f1.
    """
    return float(CURVE_THRESHOLDS[promised_f1(images, share=share).argmax()])


def promised_f1(images: Sequence[Predicted], *, share: float = 1.0) -> NDArray[np.float64]:
    """Return the F1 at each of CURVE_THRESHOLDS if every detection is a figure with its probability.

    share: of the figures, see expected_f1.
    """
    missed = sum(len(image.truth_um) - int(is_figure(image).sum()) for image in images)
    probability = np.concatenate([image.probability for image in images])
    return expected_f1(probability, CURVE_THRESHOLDS, missed=missed, share=share)


def expected_f1(
    probability: NDArray[np.float64], thresholds: NDArray[np.float64], *, missed: int, share: float = 1.0
) -> NDArray[np.float64]:
    """Return the F1 at each threshold if every detection is a figure with its probability.

    missed: figures without any detection. share: of the figures, above 0, as if the others were not there, while what
    else was detected stays; above 1, as if there were more. Source: Lipton, Elkan and Naryanaswamy 2014, "Optimal
    thresholding of classifiers to maximize F1 measure": expected counts in the place of counts; the best threshold is
    half the F1, where all figures are there.
    """
    claimed = probability[None] >= thresholds[:, None]
    hits = share * (claimed * probability).sum(axis=1)
    others = (claimed * (1 - probability)).sum(axis=1)
    total = hits + others + share * (probability.sum() + missed)
    return np.divide(2 * hits, total, out=np.zeros(len(thresholds)), where=total > 0)


def with_probability(image: Predicted, calibration: Calibration) -> Predicted:
    """Return the predictions with other probabilities of the same scores."""
    return replace(image, probability=calibration.probability(image.score).astype(np.float32).astype(np.float64))


def reliability(images: Sequence[Predicted], *, bins: int = 10) -> dict[str, list[float]]:
    """Return, by bins of equal width over what was said, mean probability and score, and the part that are figures.

    Bins without a detection are left out. {"count", "probability", "figures"}, equally long.
    """
    said = np.concatenate([image.probability for image in images]) if images else np.empty(0)
    true = np.concatenate([is_figure(image) for image in images]) if images else np.empty(0, bool)
    where = np.minimum((said * bins).astype(int), bins - 1)
    held = [np.flatnonzero(where == number) for number in range(bins)]
    held = [members for members in held if len(members)]
    return {
        "count": [len(members) for members in held],
        "probability": [float(said[members].mean()) for members in held],
        "figures": [float(true[members].mean()) for members in held],
    }


def detections(images: Sequence[Predicted]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return raw score and whether it is a figure, both (n,), of every detection of all images."""
    scores = [np.empty(0), *(image.score for image in images)]
    hits = [np.empty(0, bool), *(is_figure(image) for image in images)]
    return np.concatenate(scores), np.concatenate(hits)


def is_figure(image: Predicted) -> NDArray[np.bool_]:
    """Return (n,) which detections are figures."""
    return matches(image) >= 0


def matches(image: Predicted) -> NDArray[np.int64]:
    """Return (n,) which figure each detection is, or -1: the best first, each takes the nearest free in 7.5 um."""
    figure = np.full(len(image.score), -1)
    free = np.ones(len(image.truth_um), bool)
    for number in np.argsort(-image.score, kind="stable"):
        distance = np.where(free, np.hypot(*(image.truth_um - image.found_um[number]).T), np.inf)
        if len(distance) and distance.min() <= MATCH_RADIUS_UM:
            figure[number] = distance.argmin()
            free[distance.argmin()] = False
    return figure
