"""Does the threshold suit tissue where figures are few? By slides, and as if figures were taken away.

    python -m benchmarks.density --bundle model --data ../shared/data/mitos14 \\
        --data ../shared/data/icpr2012_train --slides H03,H04,H05,H07,H11,H12,H14,H15,H18,A03,A04

Each slide by the members that never saw it. The second table takes figures away and leaves every imposter: the worst
that rare figures can be. Where slides with few figures have fewer imposters as well, the first table shows it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from algorithm.bundle import load_bundle
from algorithm.detector import Options
from benchmarks import chosen
from training.evaluation.calibration import is_figure, promised_f1, with_probability
from training.evaluation.predictions import Predicted
from training.evaluation.scores import CURVE_THRESHOLDS, Counts, counts, f1_curve, figures_per_mm2
from training.evaluation.unseen import predict_unseen
from training.index import DataError
from training.members import to_the_floor

SPARSE_BELOW = 20.0  # figures a mm2
THINNED_TO = (22.0, 15.0, 10.0, 5.0)  # figures a mm2


@dataclass(frozen=True)
class Group:
    """Slides alike in how many figures they hold.

    promised: the sum of all probabilities; found: the figures among those detections. in_vain_per_mm2: that sum over
    what is no figure; where it is as high as on other slides imposters are as frequent, however few the figures.
    """

    slides: int
    figures: int
    area_mm2: float
    promised: float
    found: int
    in_vain_per_mm2: float
    fp_per_mm2: float
    f1: float
    best_f1: float
    best_at: float


def main() -> None:
    """Print both tables."""
    options = chosen.of_unseen(__doc__)
    bundle = load_bundle(options.bundle)
    raw = predict_unseen(to_the_floor(bundle), chosen.images_of(options), Options(precision=options.precision))
    images = [with_probability(image, bundle.facts.calibration) for image in raw]
    if not figures_per_mm2(images):
        raise DataError("no figure in these images: name slides that hold some")
    threshold = bundle.facts.threshold
    print_slides(images, threshold)
    print_thinned(images, threshold)


def print_slides(images: Sequence[Predicted], threshold: float) -> None:
    """Print a line for slides with few figures, one for the others, and one for all."""
    counted = "slides | figures | mm2 | promised | found | promised in vain, a mm2 | FP per mm2"
    print(f"| slides with | {counted} | F1 at {threshold:g} | best F1 | at |\n| --- |{10 * ' ---: |'}")
    sparse, dense = by_density(images)
    for name, group in ((f"fewer than {SPARSE_BELOW:g} figures a mm2", sparse), ("more", dense), ("all", images)):
        if group:
            print(f"| {name} | {row(measured(group, threshold))} |")


def print_thinned(images: Sequence[Predicted], threshold: float) -> None:
    """Print a line for as many figures as there are, and for fewer."""
    columns = f"F1 there, promised | F1 at {threshold:g}, promised | F1 there, counted | F1 at {threshold:g}, counted"
    print(f"\n| figures a mm2 | best threshold, promised | {columns} |\n|{6 * ' ---: |'}")
    here = figures_per_mm2(images)
    for density in (here, *(one for one in THINNED_TO if one < here)):
        share = density / here
        best, at_best, at_own = thinned(images, share, threshold)
        counted = " | ".join(f"{weighted_f1(counts(images, at), share):.3f}" for at in (best, threshold))
        print(f"| {density:.0f} | {best:.2f} | {at_best:.3f} | {at_own:.3f} | {counted} |")


def by_density(images: Sequence[Predicted]) -> tuple[list[Predicted], list[Predicted]]:
    """Return the images of slides with fewer figures a mm2 than SPARSE_BELOW, and those of the others."""

    def slide(image: Predicted) -> tuple[str, str]:
        return image.dataset, image.slide

    sparse: list[Predicted] = []
    dense: list[Predicted] = []
    for _, of_slide in groupby(sorted(images, key=slide), key=slide):
        group = list(of_slide)
        (sparse if figures_per_mm2(group) < SPARSE_BELOW else dense).extend(group)
    return sparse, dense


def measured(images: Sequence[Predicted], threshold: float) -> Group:
    """Return what the probabilities of these images promise and what is there, and F1 at a threshold and at best."""
    at, curve = counts(images, threshold), f1_curve(images)
    probability = np.concatenate([image.probability for image in images])
    figure = np.concatenate([is_figure(image) for image in images])
    return Group(
        slides=len({(image.dataset, image.slide) for image in images}),
        figures=sum(len(image.truth_um) for image in images),
        area_mm2=at.area_mm2,
        promised=float(probability.sum()),
        found=int(figure.sum()),
        in_vain_per_mm2=float(probability[~figure].sum() / at.area_mm2),
        fp_per_mm2=at.fp / at.area_mm2,
        f1=at.f1,
        best_f1=float(curve.max()),
        best_at=float(CURVE_THRESHOLDS[curve.argmax()]),
    )


def thinned(images: Sequence[Predicted], share: float, threshold: float) -> tuple[float, float, float]:
    """Return the threshold that promises the best F1 with this share of the figures, that F1, and F1 at `threshold`."""
    promised = promised_f1(images, share=share)
    own = np.interp(threshold, CURVE_THRESHOLDS, promised)
    return float(CURVE_THRESHOLDS[promised.argmax()]), float(promised.max()), float(own)


def weighted_f1(at: Counts, share: float) -> float:
    """Return F1 with each figure, found or missed, counted as this share of one, and false detections as they are."""
    return replace(at, tp=share * at.tp, fn=share * at.fn).f1


def row(group: Group) -> str:
    """Return the cells of a line of the first table, but for its name."""
    there = f"{group.slides} | {group.figures} | {group.area_mm2:.2f}"
    said = f"{group.promised:.1f} | {group.found} | {group.in_vain_per_mm2:.1f} | {group.fp_per_mm2:.1f}"
    return f"{there} | {said} | {group.f1:.3f} | {group.best_f1:.3f} | {group.best_at:.2f}"


if __name__ == "__main__":
    main()
