"""Cells of a set pasted into tissue of another slide, and how many are reported there, beside figures and imposters
that were pasted alike: those say how much of a recall on crops that hold figures only is due to the pasting.

    python -m benchmarks.pasted --bundle model --crops work_dirs/mf_crops/kept --frames ../shared/data/mitos14 \
        --slides H05,H07 --tissue ../shared/data/canine_tiles

With --alone each is an image of its own instead, as mf_crops publishes them: a network that learned such crops can
report all that looks like one, the imposters too. A bundle exported with --tile 160 is fast enough for that.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import PIL.Image

from algorithm.bundle import load_bundle
from algorithm.detector import Detector, Options
from algorithm.frames import Mpp
from algorithm.images import Pixels, open_image
from algorithm.images.resampling import resize
from training.augment.pasting import fading
from training.evaluation.predictions import predict
from training.evaluation.scores import counts
from training.importers import read_folder
from training.index import Annotation, IndexedImage, Label, of_slides

MPP = 0.25  # um/px at which cells are pasted
SIDE = 128  # px of a crop
APART = 340  # px between pasted cells, more than two of their diameters
TISSUE = 1024  # px of a piece of tissue that is pasted into: nine cells


def main() -> None:
    """Print a table: a row for each kind of cell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("bundle", "crops", "frames"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--slides", type=lambda text: text.split(","), required=True, help="held back, of the frames")
    shown = parser.add_mutually_exclusive_group(required=True)
    shown.add_argument("--tissue", type=Path)
    shown.add_argument("--alone", action="store_true")
    options = parser.parse_args()
    bundle = load_bundle(options.bundle)
    detector, threshold = Detector(bundle, Options()), bundle.facts.threshold
    tissue = [] if options.alone else large_enough(read_folder(options.tissue))
    if not options.alone and not tissue:
        parser.error(f"--tissue: {options.tissue} holds no image of {TISSUE} x {TISSUE} px at {MPP} um/px")
    how = "alone" if options.alone else "pasted"
    print(f"| {how}, at threshold {threshold:g} | cells | reported | share |\n| --- | ---: | ---: | ---: |")
    for kind, crops in cells(read_folder(options.crops), of_slides(read_folder(options.frames), options.slides)):
        found = reported(crops, tissue, detector, threshold)
        print(f"| {kind} | {len(crops)} | {found} | {found / len(crops):.3f} |")


def large_enough(images: Sequence[IndexedImage]) -> list[Pixels]:
    """Return the images that nine cells fit into, at 0.25 um/px."""
    return [pixels for pixels in map(at_scale, images) if min(pixels.shape[:2]) >= TISSUE]


def cells(crops: Sequence[IndexedImage], frames: Sequence[IndexedImage]) -> Iterator[tuple[str, list[Pixels]]]:
    """Return crops (128, 128, 3) at 0.25 um/px by kind: each tumour's of the set, then the frames' cells."""
    of_tumour = defaultdict(list)
    for image in crops:
        of_tumour[image.tumour or image.dataset] += around(image, "MF")
    yield from sorted(of_tumour.items())
    yield "held-back figures", [crop for image in frames for crop in around(image, "MF")]
    yield "held-back imposters", [crop for image in frames for crop in around(image, "NMF")]


def around(image: IndexedImage, label: Label) -> list[Pixels]:
    """Return the crops around an image's cells that lie inside of it."""
    pixels, half = at_scale(image), SIDE // 2
    scale_x, scale_y = image.mpp.x / MPP, image.mpp.y / MPP
    corners = [(round(x * scale_x) - half, round(y * scale_y) - half) for x, y in image.places(label)]
    height, width = pixels.shape[:2]
    inside = [(x, y) for x, y in corners if 0 <= x <= width - SIDE and 0 <= y <= height - SIDE]
    return [pixels[y : y + SIDE, x : x + SIDE] for x, y in inside]


def at_scale(image: IndexedImage) -> Pixels:
    """Return a whole image at 0.25 um/px."""
    x, y, width, height = image.window or (0, 0, *image.size)
    wanted = round(width * image.mpp.x / MPP), round(height * image.mpp.y / MPP)
    return resize(decoded(image.path)[y : y + height, x : x + width], wanted)


@lru_cache(maxsize=1)  # hundreds of crops are on one sheet
def decoded(path: Path) -> Pixels:
    """Return a whole file."""
    with open_image(path) as opened:
        return opened.read(0, 0, *opened.size)


def reported(crops: Sequence[Pixels], tissue: Sequence[Pixels], detector: Detector, threshold: float) -> int:
    """Return how many of the crops are reported where they were pasted; without tissue, each alone."""
    with TemporaryDirectory() as folder:
        shown = [
            written(pixels, centres, Path(folder) / f"{number}.png")
            for number, (pixels, centres) in enumerate(pictures(crops, tissue))
        ]
        return counts(predict(shown, detector), threshold).tp


def pictures(crops: Sequence[Pixels], tissue: Sequence[Pixels]) -> Iterator[tuple[Pixels, list[tuple[int, int]]]]:
    """Return tissue with nine crops each, or without tissue the crops themselves; and their centres (x, y) px."""
    if not tissue:
        yield from ((crop, [(SIDE // 2, SIDE // 2)]) for crop in crops)
        return
    each = len(places())
    for number, first in enumerate(range(0, len(crops), each)):
        yield paste(crops[first : first + each], tissue[number % len(tissue)])


def places() -> list[tuple[int, int]]:
    """Return the corners (x, y) px of the cells in a piece of tissue."""
    start = (TISSUE - 2 * APART - SIDE) // 2
    return [(start + column * APART, start + row * APART) for row in range(3) for column in range(3)]


def paste(crops: Sequence[Pixels], tissue: Pixels) -> tuple[Pixels, list[tuple[int, int]]]:
    """Return tissue with the crops faded into it, and their centres (x, y) px."""
    canvas, share = tissue[:TISSUE, :TISSUE].copy(), fading(SIDE)
    centres = []
    for (x, y), crop in zip(places(), crops, strict=False):
        under = canvas[y : y + SIDE, x : x + SIDE]
        under[:] = np.rint(share * crop + (1 - share) * under).astype(np.uint8)
        centres.append((x + SIDE // 2, y + SIDE // 2))
    return canvas, centres


def written(pixels: Pixels, centres: Sequence[tuple[int, int]], path: Path) -> IndexedImage:
    """Return a picture in a file whose figures are the pasted cells."""
    PIL.Image.fromarray(pixels).save(path)
    truth = tuple(Annotation(x, y, "MF") for x, y in centres)
    return IndexedImage("pasted", path.stem, path, (pixels.shape[1], pixels.shape[0]), Mpp(MPP, MPP), truth)


if __name__ == "__main__":
    main()
