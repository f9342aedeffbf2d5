"""A detector over annotated images: what it said beside what is there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from algorithm.detector import Detector
from algorithm.frames import area_mm2, image_to_um
from training.index import IndexedImage
from training.opening import open_picture


@dataclass(frozen=True, eq=False)  # two are the same only if they are one: counts are remembered by it
class Predicted:
    """One image: truth_um (m, 2) figures; found_um (n, 2) with score and probability (n,), most probable first."""

    dataset: str
    slide: str
    scanner: str
    tumour: str
    name: str
    area_mm2: float
    truth_um: NDArray[np.float64]
    found_um: NDArray[np.float64]
    score: NDArray[np.float64]
    probability: NDArray[np.float64]


def predict(
    images: Sequence[IndexedImage], detector: Detector, *, progress: Callable[[int, int], None] | None = None
) -> list[Predicted]:
    """Run the detector over every image at the index's scale; all detections down to the reporting threshold."""
    results = []
    for number, image in enumerate(images, start=1):
        with open_picture(image) as opened:
            found, _ = detector.detect(opened)
        results.append(
            beside_truth(
                image,
                found_um=image_to_um(found.xy, image.mpp),
                score=found.score.astype(np.float64),
                probability=found.probability.astype(np.float64),
            )
        )
        if progress:
            progress(number, len(images))
    return results


def beside_truth(image: IndexedImage, **found: NDArray[np.float64]) -> Predicted:
    """Return what was found (found_um, score, probability) with what the index knows of the image."""
    return Predicted(
        dataset=image.dataset,
        slide=image.slide,
        scanner=image.scanner,
        tumour=image.tumour,
        name=image.name,
        area_mm2=area_mm2(image.size, image.mpp),
        truth_um=image_to_um(np.array(image.places("MF"), np.float64).reshape(-1, 2), image.mpp),
        **found,
    )
