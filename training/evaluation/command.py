"""Evaluating and calibrating a bundle in its folder."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from algorithm.atomic import write_bytes
from algorithm.bundle import load_bundle, write_bundle
from algorithm.detector import Detector, Options
from algorithm.errors import OutputError
from training.evaluation.calibration import Fit, fit
from training.evaluation.plots import plot
from training.evaluation.predictions import predict
from training.evaluation.report import report
from training.evaluation.unseen import predict_unseen
from training.importers import read_folders
from training.index import IndexedImage, of_slides
from training.members import to_the_floor

Progress = Callable[[int, int], None]


def evaluate_bundle(
    folder: Path,
    data: Sequence[Path],
    slides: Sequence[str],
    options: Options,
    progress: Progress,
    *,
    out_of_fold: bool = False,
) -> dict[str, Any]:
    """Return the report of a bundle on these data sets, or on some slides of them.

    out_of_fold: each slide by the members that never saw it; raises DataError for slides that all of them saw.
    """
    bundle, images = load_bundle(folder), _images(data, slides)
    if out_of_fold:
        predicted = predict_unseen(bundle, images, options, progress=progress)
    else:
        predicted = predict(images, Detector(bundle, options), progress=progress)
    scores = report(
        predicted,
        threshold=bundle.facts.threshold,
        bundle=f"{bundle.facts.name} {bundle.facts.version}",
        bundle_hash=bundle.hash,
    )
    return scores | {
        "ensemble": options.ensemble or bundle.facts.ensemble,
        "views": options.views or len(bundle.facts.views),
        "members": "those that did not see the slide" if out_of_fold else options.members or len(bundle.facts.members),
    }


def write_report(scores: dict[str, Any], path: Path) -> tuple[Path, Path]:
    """Write the report as JSON, and its plot beside it as PNG; return both paths. Raises OutputError."""
    picture = path.with_suffix(".png")
    if picture == path:
        raise OutputError(f"{path}: the plot goes there; name the report .json")
    write_bytes(path, (json.dumps(scores, indent=1, sort_keys=True, allow_nan=False) + "\n").encode())
    write_bytes(picture, plot(scores))
    return path, picture


def calibrate_bundle(
    folder: Path, data: Sequence[Path], slides: Sequence[str], progress: Progress, *, per_mm2: float | None = None
) -> Fit:
    """Fit calibration and threshold on data the bundle never saw, and write both into its bundle.yaml.

    Each slide is judged by the members that were not trained on it. per_mm2: see calibration.fit. Raises DataError
    for slides that all of them were trained on: their scores are too good, and the threshold too high.
    """
    bundle = load_bundle(folder)
    images = _images(data, slides)
    predicted = predict_unseen(to_the_floor(bundle), images, Options(), progress=progress)
    names = ", ".join(sorted({image.slide for image in images}))
    sets = ", ".join(sorted({image.dataset for image in images}))
    by = "" if len(bundle.facts.members) == 1 else ", each by the members that did not see it"
    meant = "" if per_mm2 is None else f"; the threshold for {per_mm2:g} figures a mm2"
    found = fit(predicted, fitted_on=f"{sets}: slides {names}{by}{meant}", per_mm2=per_mm2)
    reporting = min(bundle.facts.reporting_threshold, found.threshold)
    update = {
        "calibration": found.calibration,
        "threshold": found.threshold,
        "reporting_threshold": reporting,
    }
    write_bundle(folder, bundle.facts.model_copy(update=update))
    return found


def _images(data: Sequence[Path], slides: Sequence[str]) -> list[IndexedImage]:
    images = read_folders(list(data))
    return of_slides(images, slides) if slides else images
