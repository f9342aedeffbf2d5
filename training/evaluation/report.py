"""The scores of one bundle on some data: a dictionary, its table and its JSON."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from training.evaluation.bootstrap import f1_interval
from training.evaluation.calibration import reliability
from training.evaluation.predictions import Predicted
from training.evaluation.scores import (
    CURVE_THRESHOLDS,
    average_precision,
    counts,
    f1_curve,
    froc,
    froc_area,
    precision_recall,
)

COLUMNS = ("mf", "tp", "fp", "fn", "precision", "recall", "f1", "ap", "froc", "fp_per_mm2", "best_f1", "best_threshold")


def report(images: Sequence[Predicted], *, threshold: float, bundle: str, bundle_hash: str) -> dict[str, Any]:
    """Return the scores of all images, by data set, slide, scanner and tumour, at the decision threshold.

    f1_interval: 95 %, over slides drawn anew; None for a single slide.
    best_f1 is that of the best threshold in hindsight: what the operating point costs, not a result.
    ap is None where there is no figure: NaN is no JSON.
    """
    return {
        "bundle": bundle,
        "bundle_hash": bundle_hash,
        "threshold": threshold,
        "groups": [group.scored(threshold) for group in _groups(images)],
        "reliability": reliability(images),
    }


@dataclass(frozen=True)
class Group:
    """Some of the images; by: what they have in common. A scanner or tumour stands in the column `data`."""

    by: str
    data: str
    slide: str
    images: Sequence[Predicted]

    def scored(self, threshold: float) -> dict[str, Any]:
        """Return the scores as plain values."""
        curve, (precision, recall) = f1_curve(self.images), precision_recall(self.images)
        best = int(curve.argmax())
        fp, found = froc(self.images)
        ap = average_precision(self.images)
        return {
            "by": self.by,
            "data": self.data,
            "slide": self.slide,
            "images": len(self.images),
            **counts(self.images, threshold).as_dict(),
            "f1_interval": f1_interval(self.images, threshold),
            "ap": None if math.isnan(ap) else ap,
            "froc": froc_area(fp, found),
            "best_f1": float(curve[best]),
            "best_threshold": float(CURVE_THRESHOLDS[best]),
            "f1_curve": {"threshold": CURVE_THRESHOLDS.tolist(), "f1": curve.tolist()},
            "pr_curve": {"recall": recall.tolist(), "precision": precision.tolist()},
            "froc_curve": {"fp_per_image": fp.tolist(), "recall": found.tolist()},
        }


def _groups(images: Sequence[Predicted]) -> list[Group]:
    groups = [Group("all", "all", "", images)]
    for dataset in sorted({image.dataset for image in images}):
        of_set = [image for image in images if image.dataset == dataset]
        groups.append(Group("data set", dataset, "", of_set))
        for slide in sorted({image.slide for image in of_set}):
            groups.append(Group("slide", dataset, slide, [image for image in of_set if image.slide == slide]))
    for by in ("scanner", "tumour"):
        names = sorted({getattr(image, by) for image in images} - {""})
        for name in names if len(names) > 1 else []:  # one is what `all` shows
            groups.append(Group(by, f"{by} {name}", "", [image for image in images if getattr(image, by) == name]))
    return groups


def table(scores: dict[str, Any]) -> Table:
    """Return the report for a terminal."""
    shown = Table(title=f"{scores['bundle']} at probability >= {scores['threshold']:.3f}, matched within 7.5 um")
    for column in ("data", "slide", "images", "mm2"):
        shown.add_column(column, justify="left" if column in ("data", "slide") else "right")
    for column in COLUMNS:
        shown.add_column(column.replace("_", " "), justify="right")
        if column == "f1":
            shown.add_column("95 %", justify="right")
    for group in scores["groups"]:
        numbers = [_shown(group[column]) for column in COLUMNS]
        low, high = group["f1_interval"] or (None, None)
        numbers.insert(COLUMNS.index("f1") + 1, "-" if low is None else f"{low:.2f}-{high:.2f}")
        shown.add_row(
            group["data"], group["slide"], str(group["images"]), f"{group['area_mm2']:.2f}", *numbers,
            style="bold" if not group["slide"] else "",
        )  # fmt: skip
    return shown


def _shown(value: float | None) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.3f}"
