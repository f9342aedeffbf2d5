"""Predictions on disk, so that thresholds and plots can be made again without the networks."""

import csv
from collections import defaultdict
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import numpy as np

from algorithm.atomic import write_bytes
from algorithm.errors import MitosisError
from training.evaluation.predictions import Predicted, beside_truth
from training.index import IndexedImage

COLUMNS = ("dataset", "image", "x_um", "y_um", "score")


def write_predictions(path: Path, predicted: Sequence[Predicted]) -> None:
    """Write a row for each detection, most probable first within an image."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for image in predicted:
        for (x, y), score in zip(image.found_um, image.score, strict=True):
            writer.writerow([image.dataset, image.name, f"{x:.3f}", f"{y:.3f}", f"{score:.5f}"])
    write_bytes(path, text.getvalue().encode())


def read_predictions(path: Path, images: Sequence[IndexedImage]) -> list[Predicted]:
    """Return the predictions of these images, beside what is annotated; probabilities are the raw scores.

    Raises MitosisError for a file of another kind, and for a detection in an image that is not among them.
    """
    found: dict[tuple[str, str], list[tuple[float, float, float]]] = defaultdict(list)
    try:
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                place = float(row["x_um"]), float(row["y_um"]), float(row["score"])
                found[row["dataset"], row["image"]].append(place)
    except (KeyError, TypeError, ValueError) as error:
        raise MitosisError(
            f"{path}: not a table of predictions ({type(error).__name__}: {error}); delete it to predict again"
        ) from error
    foreign = sorted(set(found) - {(image.dataset, image.name) for image in images})
    if foreign:
        raise MitosisError(f"{path}: holds detections in {foreign[0][1]} of {foreign[0][0]}, which is not in the data")
    return [_predicted(image, found[image.dataset, image.name]) for image in images]


def _predicted(image: IndexedImage, found: Sequence[tuple[float, float, float]]) -> Predicted:
    rows = np.array(found, np.float64).reshape(-1, 3)
    return beside_truth(image, found_um=rows[:, :2], score=rows[:, 2], probability=rows[:, 2])
