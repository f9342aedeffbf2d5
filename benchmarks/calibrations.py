"""Would members, or data sets, want a calibration each? On glasses that were neither seen nor calibrated with.

    python -m benchmarks.calibrations --bundle model --data ../shared/data/mitos14 \\
        --data ../shared/data/icpr2012_train --slides H03,H04,H05,H07,H11,H12,H14,H15,H18,A03,A04

A glass gets the calibration that is fitted on the others of its kind: all of them, those that the same members left
out, or those of the same data set; the threshold is always the one that all others together promise. So a way with more
calibrations than the slides can carry pays for it, as it would with a new slide. Each kind needs two glasses.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from algorithm.bundle import Calibration, load_bundle
from algorithm.detector import Options
from benchmarks import chosen
from training.evaluation.calibration import detections, platt, promised_threshold, with_probability
from training.evaluation.predictions import Predicted
from training.evaluation.scores import average_precision, counts, f1_curve, pooled
from training.evaluation.unseen import predict_unseen
from training.index import IndexedImage, glass_of
from training.members import members_without, to_the_floor


@dataclass(frozen=True)
class Judged:
    """What was said of an image, the glass that it shows, and by each way the kind that it is calibrated with."""

    said: Predicted
    glass: str
    kinds: Mapping[str, Hashable]


def main() -> None:
    """Print a line for each way and data set."""
    options = chosen.of_unseen(__doc__)
    images = chosen.images_of(options)
    judged = judge(options.bundle, images, Options(precision=options.precision))
    print("| a calibration for | data | AP | F1 at the threshold | best F1 |\n| --- | --- | ---: | ---: | ---: |")
    for way in judged[0].kinds:
        held = held_out(judged, way)
        for dataset in (None, *sorted({one.said.dataset for one in judged})):
            rates = scores([one for one in held if dataset in (None, one[0].dataset)])
            print(f"| {way} | {dataset or 'all'} | {' | '.join(f'{rate:.3f}' for rate in rates)} |", flush=True)


def judge(folder: Path, images: Sequence[IndexedImage], options: Options) -> list[Judged]:
    """Return what the members that did not see an image say of it, down to their floor."""
    bundle, glass = load_bundle(folder), glass_of(images)
    predicted = predict_unseen(to_the_floor(bundle), images, options)
    return [
        Judged(
            said,
            glass[image.slide],
            {"all": None, "each member": members_without(bundle.facts, image), "each data set": image.dataset},
        )
        for image, said in zip(images, predicted, strict=True)
    ]


def held_out(judged: Sequence[Judged], way: str) -> list[tuple[Predicted, float]]:
    """Return each image with the probabilities and the threshold that the other glasses give it.

    Raises CalibrationError where the other glasses of a kind cannot be calibrated with, as where there is none.
    """
    held: dict[int, tuple[Predicted, float]] = {}
    for glass in {one.glass for one in judged}:
        others = [one for one in judged if one.glass != glass]
        fitted = {kind: _fitted(others, way, kind) for kind in {one.kinds[way] for one in judged}}
        threshold = promised_threshold([_calibrated(one, way, fitted) for one in others])
        mine = [(number, one) for number, one in enumerate(judged) if one.glass == glass]
        held |= {number: (_calibrated(one, way, fitted), threshold) for number, one in mine}
    return [held[number] for number in range(len(judged))]


def scores(held: Iterable[tuple[Predicted, float]]) -> tuple[float, float, float]:
    """Return AP, F1 with each image at its own threshold, and the best F1 at one threshold, in hindsight."""
    images, thresholds = zip(*held, strict=True)
    found = pooled([counts([image], at) for image, at in zip(images, thresholds, strict=True)])
    return average_precision(images), found.f1, float(f1_curve(images).max())


def _fitted(judged: Sequence[Judged], way: str, kind: Hashable) -> Calibration:
    alike = [one.said for one in judged if one.kinds[way] == kind]
    return platt(*detections(alike), fitted_on="the other glasses")


def _calibrated(one: Judged, way: str, fitted: Mapping[Hashable, Calibration]) -> Predicted:
    return with_probability(one.said, fitted[one.kinds[way]])


if __name__ == "__main__":
    main()
