"""Would slides be told better if all had stains of one strength? Each image as it is, standardised, and both averaged.

    python -m benchmarks.standardised --bundle model --data ../shared/data/mitos14 --slides H03,H04,H05,H07

Each slide by the members that never saw it. Standardised: haematoxylin and eosin of an image multiplied so that its
darkest hundredth of haematoxylin, and its mean eosin, are those of most slides (`python -m benchmarks.stains`), by no
more than MOST. Colour stays, so this is less than Macenko's normalisation, and cannot fail where a stain is lacking.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from algorithm.bundle import load_bundle
from algorithm.detector import Options
from algorithm.images import Pixels
from benchmarks import chosen
from benchmarks.stains import EVERY_PX, of_tissue
from benchmarks.together import row, together
from training.augment.stain import jittered
from training.evaluation.calibration import with_probability
from training.evaluation.unseen import predict_unseen
from training.index import IndexedImage
from training.members import to_the_floor
from training.opening import open_picture

DARKEST_HAEMATOXYLIN, EOSIN = 1.05, 0.57  # of most slides, in Ruifrok and Johnston's units
MOST = 1.67  # times, up or down


def main() -> None:
    """Print a row for the images as they are, one for standardised ones, and one for both."""
    options = chosen.of_unseen(__doc__)
    bundle, images = load_bundle(options.bundle), chosen.images_of(options)
    facts = bundle.facts
    with TemporaryDirectory() as folder:
        sets = [images, standardised(images, Path(folder))]
        said = [predict_unseen(to_the_floor(bundle), one, Options(precision=options.precision)) for one in sets]
    print(f"| stains | figures | AP | F1 at {facts.threshold:g} | best F1 | at |\n| --- |{5 * ' ---: |'}")
    names = ("as they are", "of one strength", "both, averaged")
    for name, predicted in zip(names, [*said, together(said, facts.fusion_radius_um)], strict=True):
        calibrated = [with_probability(image, facts.calibration) for image in predicted]
        print(f"| {name} | {' | '.join(row(calibrated, facts.threshold))} |", flush=True)


def standardised(images: Sequence[IndexedImage], folder: Path) -> list[IndexedImage]:
    """Return the images with other pixels, written below the folder as PNG."""
    return [_written(image, folder / str(number)) for number, image in enumerate(images)]


def _written(image: IndexedImage, folder: Path) -> IndexedImage:
    folder.mkdir()
    with open_picture(image) as opened:
        pixels = opened.read(0, 0, *opened.size)
    path = folder / f"{image.name}.png"  # of a part of a file: with where it began
    PIL.Image.fromarray(of_one_strength(pixels)).save(path, compress_level=1)
    return replace(image, path=path, window=None)


def of_one_strength(pixels: Pixels) -> Pixels:
    """Return the image with the strength of its stains that most slides have; one without tissue as it is."""
    factor = factors(of_tissue(pixels[::EVERY_PX, ::EVERY_PX]))
    return jittered(pixels, np.array([*factor, 1.0]), np.zeros(3))


def factors(stains: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what to multiply haematoxylin and eosin by, (2,); 1 for one that is lacking. stains: `of_tissue`'s."""
    there = stains[1:]
    factor = np.divide([DARKEST_HAEMATOXYLIN, EOSIN], there, out=np.ones(2), where=there > 0)
    return np.clip(factor, 1 / MOST, MOST)


if __name__ == "__main__":
    main()
