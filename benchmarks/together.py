"""Would bundles score better together? Each image by those members of each bundle that never saw its slide.

    python -m benchmarks.together --bundle model --bundle work_dirs/other --data ../shared/data/mitos14 --slides H05,H07

A row for each bundle and one for all of them, with the calibration and threshold of the first for every row. Together,
each bundle counts the same: the raw scores that they report for an image are averaged. That row says what an ensemble
does on slides that none of it knows; bundles may differ in resolution and tile size.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from algorithm.bundle import load_bundle
from algorithm.detector import Options
from algorithm.frames import Mpp
from algorithm.fusion import Found, average
from benchmarks import chosen
from training.evaluation.calibration import with_probability
from training.evaluation.predictions import Predicted
from training.evaluation.scores import CURVE_THRESHOLDS, average_precision, counts, f1_curve
from training.evaluation.unseen import predict_unseen
from training.members import to_the_floor

IN_UM = Mpp(1, 1)  # predictions lie in um already


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, action="append", required=True)
    chosen.add_to(parser, all_by_default=True)
    parser.add_argument("--precision", choices=["f32", "bf16"])
    options = parser.parse_args()
    images = chosen.images_of(options)
    bundles = [load_bundle(folder) for folder in options.bundle]
    said = [predict_unseen(to_the_floor(one), images, Options(precision=options.precision)) for one in bundles]
    facts, names = bundles[0].facts, [str(folder) for folder in options.bundle]
    print(f"| by members that did not see the slide | figures | AP | F1 at {facts.threshold:g} | best F1 | at |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, predicted in zip([*names, "together"], [*said, together(said, facts.fusion_radius_um)], strict=True):
        calibrated = [with_probability(image, facts.calibration) for image in predicted]
        print(f"| {name} | {' | '.join(row(calibrated, facts.threshold))} |", flush=True)


def together(said: Sequence[Sequence[Predicted]], radius_um: float) -> list[Predicted]:
    """Return each image with places and raw scores averaged over all that was said of it; unseen counts 0."""
    return [_averaged(one, radius_um) for one in zip(*said, strict=True)]


def _averaged(image: Sequence[Predicted], radius_um: float) -> Predicted:
    passes = [Found(one.found_um, one.score, np.zeros((len(one.score), 4), np.float32)) for one in image]
    found = average(passes, radius_um=radius_um, mpp=IN_UM)
    return replace(image[0], found_um=found.xy, score=found.score, probability=found.score)


def row(images: Sequence[Predicted], threshold: float) -> list[str]:
    """Return figures, AP, F1 at the threshold, and the best F1 with its threshold, in hindsight."""
    curve = f1_curve(images)
    at = counts(images, threshold)
    rates = average_precision(images), at.f1, float(curve.max())
    return [str(at.tp + at.fn), *(f"{rate:.3f}" for rate in rates), f"{CURVE_THRESHOLDS[curve.argmax()]:.2f}"]


if __name__ == "__main__":
    main()
