"""The scores of one bundle on some data: a dictionary, its table and its JSON."""

import math
from collections.abc import Sequence
from typing import Any

from rich.table import Table

from training.evaluation.predictions import Predicted
from training.evaluation.scores import CURVE_THRESHOLDS, average_precision, counts, f1_curve, froc, froc_area

COLUMNS = ("mf", "tp", "fp", "fn", "precision", "recall", "f1", "ap", "froc", "fp_per_mm2", "best_f1", "best_threshold")


def report(images: Sequence[Predicted], *, threshold: float, bundle: str, bundle_hash: str) -> dict[str, Any]:
    """Return the scores of all images, of each data set and of each slide, at the decision threshold.

    best_f1 is that of the best threshold in hindsight: what the operating point costs, not a result.
    ap is None where there is no figure: NaN is no JSON.
    """
    groups = [("all", "", list(images))]
    for dataset in sorted({image.dataset for image in images}):
        of_set = [image for image in images if image.dataset == dataset]
        groups.append((dataset, "", of_set))
        for slide in sorted({image.slide for image in of_set}):
            groups.append((dataset, slide, [image for image in of_set if image.slide == slide]))
    return {
        "bundle": bundle,
        "bundle_hash": bundle_hash,
        "threshold": threshold,
        "groups": [_group(dataset, slide, members, threshold) for dataset, slide, members in groups],
    }


def table(scores: dict[str, Any]) -> Table:
    """Return the report for a terminal."""
    shown = Table(title=f"{scores['bundle']} at probability >= {scores['threshold']:.3f}, matched within 7.5 um")
    for column in ("data", "slide", "images", "mm2"):
        shown.add_column(column, justify="left" if column in ("data", "slide") else "right")
    for column in COLUMNS:
        shown.add_column(column.replace("_", " "), justify="right")
    for group in scores["groups"]:
        numbers = [_shown(group[column]) for column in COLUMNS]
        shown.add_row(
            group["data"], group["slide"], str(group["images"]), f"{group['area_mm2']:.2f}", *numbers,
            style="bold" if not group["slide"] else "",
        )  # fmt: skip
    return shown


def _group(dataset: str, slide: str, images: list[Predicted], threshold: float) -> dict[str, Any]:
    curve = f1_curve(images)
    best = int(curve.argmax())
    fp, recall = froc(images)
    ap = average_precision(images)
    return {
        "data": dataset,
        "slide": slide,
        "images": len(images),
        **counts(images, threshold).as_dict(),
        "ap": None if math.isnan(ap) else ap,
        "froc": froc_area(fp, recall),
        "best_f1": float(curve[best]),
        "best_threshold": float(CURVE_THRESHOLDS[best]),
        "f1_curve": {"threshold": CURVE_THRESHOLDS.tolist(), "f1": curve.tolist()},
        "froc_curve": {"fp_per_image": fp.tolist(), "recall": recall.tolist()},
    }


def _shown(value: float | None) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.3f}"
