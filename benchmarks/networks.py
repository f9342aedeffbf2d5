"""What networks in checkpoints find together, one view, with the best threshold in hindsight: for comparing them.

    python -m benchmarks.networks work_dirs/one/ema-0.001.pth work_dirs/two/ema-0.001.pth \
        --data ../shared/data/mitos14 --data ../shared/data/mitos14_patches --slides H05,H07
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from benchmarks import chosen
from training.evaluation.checkpoint import detector_of
from training.evaluation.predictions import Predicted, predict
from training.evaluation.scores import CURVE_THRESHOLDS, average_precision, f1_curve
from training.model import load_checkpoint


def main() -> None:
    """Print a table: all images, then each data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints", nargs="+", type=Path)
    chosen.add_to(parser)
    options = parser.parse_args()
    loaded = [load_checkpoint(path) for path in options.checkpoints]
    detector = detector_of([network for network, _ in loaded], loaded[0][1])
    predicted = predict(chosen.images_of(options), detector)
    print("| data | figures | AP | best F1 | at score |\n| --- | ---: | ---: | ---: | ---: |")
    print(row("all", predicted))
    for name in sorted({image.dataset for image in predicted}):
        print(row(name, [image for image in predicted if image.dataset == name]))


def row(name: str, images: Sequence[Predicted]) -> str:
    """Return a line of the table."""
    figures = sum(len(image.truth_um) for image in images)
    curve = f1_curve(images)
    best, at = curve.max(), CURVE_THRESHOLDS[curve.argmax()]
    return f"| {name} | {figures} | {average_precision(images):.3f} | {best:.3f} | {at:.2f} |"


if __name__ == "__main__":
    main()
