"""How much the stains of slides differ, beside how much training changes them: what `augment.stain_factor` should span.

    python -m benchmarks.stains --data ../shared/data/mitos14 --data ../shared/data/icpr2012_train

Units are those of Ruifrok and Johnston's stains, over tissue.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from algorithm.images import Pixels
from training.augment.stain import RGB_FROM_STAINS, TISSUE_DENSITY
from training.importers import read_folders
from training.index import IndexedImage
from training.opening import open_picture

EVERY_PX = 4  # neighbours look alike
DARKEST_PERCENT = 1


def main() -> None:
    """Print a table: a line for each slide, those with most haematoxylin first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", action="append", type=Path, required=True)
    images = read_folders(parser.parse_args().data)
    print("| slide | images | haematoxylin | its darkest hundredth | eosin |\n| --- | ---: | ---: | ---: | ---: |")
    slides = sorted({image.slide for image in images})
    lines = [(slide, [stains(image) for image in images if image.slide == slide]) for slide in slides]
    for slide, of_images in sorted(lines, key=lambda line: -np.mean(line[1], axis=0)[1]):
        mean, dark, eosin = np.mean(of_images, axis=0)
        print(f"| {slide} | {len(of_images)} | {mean:.2f} | {dark:.2f} | {eosin:.2f} |")


def stains(image: IndexedImage) -> NDArray[np.float64]:
    """Return what `of_tissue` says of every fourth pixel of an image."""
    with open_picture(image) as opened:
        width, height = opened.size
        return of_tissue(opened.read(0, 0, width, height)[::EVERY_PX, ::EVERY_PX])


def of_tissue(pixels: Pixels) -> NDArray[np.float64]:
    """Return (3,): haematoxylin, its darkest hundredth, eosin, in units of Ruifrok and Johnston; 0 without tissue."""
    density = -np.log(np.maximum(pixels.reshape(-1, 3), 1) / 255)
    tissue = density[density.sum(axis=1) > TISSUE_DENSITY]
    if not len(tissue):
        return np.zeros(3)
    haematoxylin, eosin, _ = (tissue @ np.linalg.inv(RGB_FROM_STAINS)).T
    return np.array([haematoxylin.mean(), np.percentile(haematoxylin, 100 - DARKEST_PERCENT), eosin.mean()])


if __name__ == "__main__":
    main()
