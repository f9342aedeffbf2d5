"""What each change of a patch costs.

    python -m benchmarks.augment [--runs 30]

Prints milliseconds on one thread for a patch of each of two sizes, as a worker of the training makes it: every change
alone, made at every draw, and all of `training/configs/_base_.py` at the shares that stand there.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from skimage.color import hed2rgb, rgb2hed

from algorithm.images import Pixels
from benchmarks.pictures import region
from training.augment import Augment
from training.augment.pieces import Piece, joined, quarters, resized
from training.settings import load_settings

BASE = Path(__file__).resolve().parents[1] / "training/configs/cpu_half.py"
SIZES = ((160, 160), (1920, 1280))  # width, height, px
NO_BOXES = np.empty((0, 4), np.float32)

Change = Callable[[Pixels, np.random.Generator], object]


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=30)
    runs = parser.parse_args().runs
    cv2.setNumThreads(1)  # as in a worker
    print("| change | " + " | ".join(f"{width} x {height} px, ms" for width, height in SIZES) + " |")
    print("| --- |" + " ---: |" * len(SIZES))
    patches = [region(*size_px) for size_px in SIZES]
    for name, change in _changes().items():
        cells = [_milliseconds(change, patch, runs) for patch in patches]
        print(f"| {name} | " + " | ".join(f"{cell:.2f}" for cell in cells) + " |")


def _changes() -> dict[str, Change]:
    ours = load_settings(BASE).augment

    def alone(**changes: object) -> Change:
        augment = Augment(**changes)
        return lambda patch, rng: augment(patch, NO_BOXES, rng)

    stains = {"stain_factor": ours.stain_factor, "stain_shift": ours.stain_shift}
    colours = {"hue_deg": ours.hue_deg, "saturation": ours.saturation, "value": ours.value}
    return {
        "zoom": _zoom,
        "turn and flip": alone(turn_and_flip=True),
        "stain jitter": alone(**stains),
        "hue, saturation, value": alone(**colours),
        "blur": alone(blur_share=1.0, blur_sigma_px=ours.blur_sigma_px),
        "JPEG": alone(jpeg_share=1.0, jpeg_quality=ours.jpeg_quality),
        "all, as in the configs": lambda patch, rng: _all(Augment(**ours.model_dump()), patch, rng),
        "off by default: mosaic, putting together": _mosaic,
        "off by default: Macenko": alone(macenko_share=1.0),
        "not used: stain jitter by scikit-image": lambda patch, rng: hed2rgb(rgb2hed(patch) * rng.uniform(0.9, 1.1, 3)),
    }


def _zoom(patch: Pixels, rng: np.random.Generator) -> Piece:
    height, width = patch.shape[:2]
    factor = 1.1 ** rng.uniform(-1, 0)  # shown larger: what is shown smaller would have to be read first
    part = patch[: round(height * factor), : round(width * factor)]
    return resized(Piece(part, NO_BOXES, np.empty(0, np.int64)), (width, height))


def _all(augment: Augment, patch: Pixels, rng: np.random.Generator) -> object:
    return augment(_zoom(patch, rng).pixels, NO_BOXES, rng)


def _mosaic(patch: Pixels, rng: np.random.Generator) -> Piece:
    places = quarters((patch.shape[1], patch.shape[0]), rng)
    return joined(places, [Piece(patch[:h, :w], NO_BOXES, np.empty(0, np.int64)) for _, _, w, h in places])


def _milliseconds(change: Change, patch: Pixels, runs: int) -> float:
    """Return the mean time of one change, after one that is not counted."""
    rng = np.random.default_rng(0)
    change(patch, rng)
    start = time.perf_counter()
    for _ in range(runs):
        change(patch, rng)
    return (time.perf_counter() - start) / runs * 1e3


if __name__ == "__main__":
    main()
