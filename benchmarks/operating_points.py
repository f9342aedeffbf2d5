"""What an ensemble and its views find on slides that were left out, and what they cost on a region.

    python -m benchmarks.operating_points --bundle model --data ../shared/data/mitos14 --slides H05,H07 \\
        [--runs 3] [--views 2,4]

Out of fold: each image by those members that never saw its slide; AP and best F1 of the raw score, as each row would
need a calibration of its own. Cost: seconds from the open image to Detections, all members, median of runs that take
turns, for a region of about 2.4 mm2 laid out of the same images and for the drawn sample repeated, most of which is
empty. Each run opens the file anew.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import numpy as np

from algorithm.bundle import LoadedBundle, load_bundle
from algorithm.detector import Detector, Options
from algorithm.images import Pixels, open_image
from algorithm.record import RunRecord
from benchmarks import chosen
from benchmarks.pictures import region, write_tiff
from training.evaluation.scores import CURVE_THRESHOLDS, average_precision, f1_curve
from training.evaluation.unseen import predict_unseen
from training.index import IndexedImage
from training.members import to_the_floor
from training.opening import open_picture

REGION_PX, REGION_MPP = (7215, 5412), 0.25
VIEWS = (1, 2, 4, 8)
POINTS = [
    *[Options(ensemble="full", views=views) for views in (1, 2, 4)],
    *[Options(ensemble="screen", views=views) for views in VIEWS],
]


def main() -> None:
    """Print the table."""
    arguments = _arguments()
    bundle = to_the_floor(load_bundle(arguments.bundle))
    if bundle.facts.screen is None:
        raise SystemExit(f"{arguments.bundle}: no settings for `screen`; export it with --ensemble screen")
    images = chosen.images_of(arguments)
    points = [
        replace(point, precision=arguments.precision)
        for point in POINTS
        if (point.ensemble == "screen" or len(bundle.facts.scales()) == 1) and point.views in arguments.views
    ]
    if not points:
        raise SystemExit(f"--views: no row of the table has these; name some of {', '.join(map(str, VIEWS))}")
    with tempfile.TemporaryDirectory() as scratch:
        files = [Path(scratch) / "tissue.tif", Path(scratch) / "mostly-empty.tif"]
        write_tiff(files[0], laid_out(images, REGION_PX), mpp=REGION_MPP, kind="tiles")
        write_tiff(files[1], region(*REGION_PX), mpp=REGION_MPP, kind="tiles")
        costs = [measured(bundle, points, file, arguments.runs) for file in files]
    print("| ensemble | views | AP | best F1 | at | passes: tissue | seconds | mostly empty | seconds |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for point, *cost in zip(points, *costs, strict=True):
        cells = [cell for record, seconds in cost for cell in (f"{record.passes}", f"{seconds:.1f}")]
        print(
            f"| {' | '.join([str(point.ensemble), str(point.views), *found(bundle, images, point), *cells])} |",
            flush=True,
        )


def laid_out(images: Sequence[IndexedImage], size: tuple[int, int]) -> Pixels:
    """Return (height, width, 3) uint8: the images side by side, at full resolution, as often as it takes."""
    width, height = size
    canvas = np.empty((height, width, 3), np.uint8)
    sources = cycle(images)
    y = 0
    while y < height:
        x, row = 0, 0
        while x < width:
            with open_picture(next(sources)) as image:
                part = image.read(0, 0, min(image.size[0], width - x), min(image.size[1], height - y))
            # images of one row may differ in height: what is below a lower one is the row's next lines, written later
            canvas[y : y + part.shape[0], x : x + part.shape[1]] = part
            x, row = x + part.shape[1], part.shape[0] if row == 0 else min(row, part.shape[0])
        y += row
    return canvas


def measured(bundle: LoadedBundle, points: Sequence[Options], file: Path, runs: int) -> list[tuple[RunRecord, float]]:
    """Return for each point the record of a run and the median of its seconds."""
    engines = Detector(bundle, points[0]).engines  # the same for all: 21 networks would fill the memory
    detectors = [Detector(bundle, point, engines=engines) for point in points]
    seconds: list[list[float]] = [[] for _ in points]
    records = []
    for run in range(runs + 1):  # the first one warms up
        for detector, times in zip(detectors, seconds, strict=True):
            with open_image(file) as image:
                begun = time.perf_counter()
                _, record = detector.detect(image)
            if run:
                times.append(time.perf_counter() - begun)
            else:
                records.append(record)
    return [(record, statistics.median(times)) for record, times in zip(records, seconds, strict=True)]


def found(bundle: LoadedBundle, images: Sequence[IndexedImage], point: Options) -> list[str]:
    """Return AP, best F1 and its threshold on the raw score, each image by members that did not see its slide."""
    said = [replace(one, probability=one.score) for one in predict_unseen(bundle, images, point)]
    curve = f1_curve(said)
    return [f"{average_precision(said):.3f}", f"{curve.max():.3f}", f"{CURVE_THRESHOLDS[curve.argmax()]:.2f}"]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, default=Path("model"))
    chosen.add_to(parser)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument(
        "--views", type=lambda text: [int(one) for one in text.split(",")], default=VIEWS, help="Only these rows."
    )
    parser.add_argument("--precision", choices=["f32", "bf16"])
    return parser.parse_args()


if __name__ == "__main__":
    main()
