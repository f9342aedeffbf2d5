"""Scores of predictions: the organisers' matching, precision, recall, F1, AP and FROC. Pure.

Source: evaluate.py of the MIDOG 2025 evaluation container.
"""

import contextlib
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache

import numpy as np
from grand_challenge_metrics.scorers import score_detection
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from training.evaluation.predictions import Predicted

MATCH_RADIUS_UM = 7.5  # the organisers' evaluation
AP_HALF_BOX_UM = 11.25  # theirs too: boxes of this half width at IoU 0.5 match up to 7.5 um along an axis
FROC_THRESHOLDS = 40
FROC_MOST_FP = 8.0  # false positives an image, up to which the area counts: all figures at once would be 8
FROC_POINTS = 50
CURVE_THRESHOLDS = np.round(np.arange(0.02, 1.0, 0.01), 2)


@dataclass(frozen=True)
class Counts:
    """Figures matched, claimed in vain, and missed; on area_mm2 of tissue."""

    tp: int
    fp: int
    fn: int
    area_mm2: float

    @property
    def precision(self) -> float:
        """Return TP / (TP + FP), 0 where nothing was claimed."""
        return self.tp / (self.tp + self.fp) if self.tp + self.fp else 0.0

    @property
    def recall(self) -> float:
        """Return TP / (TP + FN), 0 where there is no figure."""
        return self.tp / (self.tp + self.fn) if self.tp + self.fn else 0.0

    @property
    def f1(self) -> float:
        """Return the harmonic mean of precision and recall."""
        total = 2 * self.tp + self.fp + self.fn
        return 2 * self.tp / total if total else 0.0

    def as_dict(self) -> dict[str, float]:
        """Return everything a table shows."""
        rates = {"precision": self.precision, "recall": self.recall, "f1": self.f1}
        per_mm2 = self.fp / self.area_mm2 if self.area_mm2 else 0.0
        return {"mf": self.tp + self.fn, **asdict(self), **rates, "fp_per_mm2": per_mm2}


def pooled(parts: Sequence[Counts]) -> Counts:
    """Return the counts of all parts together, as where each was counted at a threshold of its own."""
    tp, fp, fn = (sum(getattr(one, name) for one in parts) for name in ("tp", "fp", "fn"))
    return Counts(tp, fp, fn, sum(one.area_mm2 for one in parts))


def counts(images: Sequence[Predicted], threshold: float) -> Counts:
    """Return the counts over all images of what is at least this probable, matched within 7.5 um."""
    claimed = [int((image.probability >= np.float32(threshold)).sum()) for image in images]
    each = [_matched(image, number) for image, number in zip(images, claimed, strict=True)]
    tp, fp, fn = (sum(one[n] for one in each) for n in range(3))
    return Counts(tp, fp, fn, sum(image.area_mm2 for image in images))


def figures_per_mm2(images: Sequence[Predicted]) -> float:
    """Return how many figures a mm2 of these images holds."""
    return sum(len(image.truth_um) for image in images) / sum(image.area_mm2 for image in images)


@lru_cache(maxsize=1_000_000)
def _matched(image: Predicted, claimed: int) -> tuple[int, int, int]:
    """Return (TP, FP, FN) of the image's `claimed` most probable detections.

    Remembered: of a hundred thresholds most claim as many as the one before.
    """
    most = np.sort(np.argsort(-image.probability, kind="stable")[:claimed])
    # a third coordinate as the organisers have it; lists, as the scorer wants
    score = score_detection(
        ground_truth=[(x, y, 0.0) for x, y in image.truth_um.tolist()],
        predictions=[(x, y, 0.0) for x, y in image.found_um[most].tolist()],
        radius=MATCH_RADIUS_UM,
    )
    return score.true_positives, score.false_positives, score.false_negatives


def f1_curve(images: Sequence[Predicted]) -> NDArray[np.float64]:
    """Return F1 at each of CURVE_THRESHOLDS."""
    return np.array([counts(images, threshold).f1 for threshold in CURVE_THRESHOLDS])


def precision_recall(images: Sequence[Predicted]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (precision, recall) at each of CURVE_THRESHOLDS."""
    at = [counts(images, threshold) for threshold in CURVE_THRESHOLDS]
    return np.array([one.precision for one in at]), np.array([one.recall for one in at])


def froc(images: Sequence[Predicted]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (false positives an image, recall) at 40 thresholds between the highest and the lowest probability."""
    every = np.concatenate([image.probability for image in images]) if images else np.empty(0)
    if not len(every):
        return np.zeros(1), np.zeros(1)
    thresholds = np.linspace(every.max(), every.min(), FROC_THRESHOLDS)
    at = [counts(images, threshold) for threshold in thresholds]
    return np.array([one.fp / len(images) for one in at]), np.array([one.recall for one in at])


def froc_area(fp: NDArray[np.float64], recall: NDArray[np.float64]) -> float:
    """Return the area under a curve from `froc` between 0 and 8 false positives an image, 0 to 8.

    As the organisers have it: recall between two thresholds lies on a line, before the first it is 0, and after
    the last it stays.
    """
    grid = np.linspace(0, FROC_MOST_FP, FROC_POINTS)
    return float(np.trapezoid(np.interp(grid, fp, recall, left=0.0), grid))


def average_precision(images: Sequence[Predicted]) -> float:
    """Return AP at IoU 0.5 over 101 recalls of boxes of 22.5 um around the places; nan where there is no figure."""
    truth = [(number, xy) for number, image in enumerate(images, start=1) for xy in image.truth_um]
    found = [
        (number, xy, p)
        for number, image in enumerate(images, start=1)
        for xy, p in zip(image.found_um, image.probability, strict=True)
    ]
    if not truth:
        return float("nan")
    if not found:
        return 0.0
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools prints its progress
        coco = COCO()
        coco.dataset = {
            "info": {},
            "images": [{"id": number} for number in range(1, len(images) + 1)],
            "categories": [{"id": 1}],
            "annotations": [{"id": n, "iscrowd": 0, **_box(*one)} for n, one in enumerate(truth, start=1)],
        }
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes([{"score": p, **_box(number, xy)} for number, xy, p in found]), "bbox")
        evaluation.params.iouThrs = np.array([0.5])
        evaluation.params.maxDets = [len(found)]
        evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e10]], ["all"]
        evaluation.evaluate()
        evaluation.accumulate()
    return float(evaluation.eval["precision"].mean())


def _box(image: int, xy: NDArray[np.float64]) -> dict:
    side = 2 * AP_HALF_BOX_UM
    x, y = (xy - AP_HALF_BOX_UM).tolist()
    return {"image_id": image, "category_id": 1, "bbox": [x, y, side, side], "area": side * side}
