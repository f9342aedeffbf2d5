"""How much the model's results depend on where the tiles lie.

    python -m benchmarks.grid [IMAGE ...] [--mpp UM] [--model DIR]

RTMDet's channel attention averages over a tile, so a score depends a little on what else is in it. The same image
is worked on in several grids; what is found in one is compared with the first, within the bundle's fusion radius.
Without an image, on the drawn sample repeated to a region of several tiles: one that two tiles cover has one grid.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from algorithm.bundle import LoadedBundle, default_folder, load_bundle
from algorithm.detections import Detections
from algorithm.detector import Detector, Options
from algorithm.frames import Mpp, image_to_um
from algorithm.images import open_image
from benchmarks.pictures import region, write_tiff

REGION_PX, REGION_MPP = (5200, 4100), 0.25
OVERLAPS = (1, 3, 8)  # times the bundle's own: each needs another number of tiles, which puts them elsewhere


def main() -> None:
    """Print, for each other grid, how many detections it shares with the first and how far they differ."""
    arguments = _arguments()
    mpp = Mpp(arguments.mpp, arguments.mpp) if arguments.mpp else None
    with tempfile.TemporaryDirectory() as scratch:
        images = arguments.images or [Path(scratch) / "region.tif"]
        if not arguments.images:
            write_tiff(images[0], region(*REGION_PX), mpp=REGION_MPP, kind="strips")
        _report(load_bundle(arguments.model), images, mpp)


def _report(bundle: LoadedBundle, images: list[Path], mpp: Mpp | None) -> None:
    first, *others = [_found(bundle, overlap * bundle.facts.overlap_px, images, mpp) for overlap in OVERLAPS]
    figures = sum(len(one.figures) for one in first)
    print(
        f"{len(images)} image(s), {figures} figures, {sum(map(len, first))} detections; grids against the bundle's own:"
    )
    for overlap, other in zip(OVERLAPS[1:], others, strict=True):
        moved, changed, renamed, lost = _compared(first, other, bundle.facts.fusion_radius_um)
        print(
            f"  overlap {overlap * bundle.facts.overlap_px:4d} px: "
            f"probability differs by {changed.mean():.4f} on average, 95 % within {np.quantile(changed, 0.95):.4f}, "
            f"at most {changed.max():.4f}; place by {np.median(moved):.2f} um (median), {moved.max():.2f} at most; "
            f"{renamed} change sides of the threshold, {lost} are in one grid only"
        )


def _found(bundle: LoadedBundle, overlap_px: int, images: list[Path], mpp: Mpp | None) -> list[Detections]:
    facts = bundle.facts.model_copy(update={"overlap_px": overlap_px})
    detector = Detector(LoadedBundle(bundle.folder, facts, bundle.hash), Options(precision="f32"))
    results = []
    for path in images:
        with open_image(path, mpp=mpp) as image:
            results.append(detector.detect(image)[0])
    return results


def _compared(
    first: list[Detections], other: list[Detections], radius_um: float
) -> tuple[np.ndarray, np.ndarray, int, int]:
    """Return of all pairs distance (um) and difference of probability; how many changed name; how many are alone."""
    moved, changed, renamed, lost = [], [], 0, 0
    for one, two in zip(first, other, strict=True):
        free = np.ones(len(two), bool)
        for number, place in enumerate(image_to_um(one.xy, one.mpp)):
            distance = np.where(free, np.hypot(*(image_to_um(two.xy, two.mpp) - place).T), np.inf)
            if not len(distance) or distance.min() > radius_um:
                lost += 1
                continue
            partner = int(distance.argmin())
            free[partner] = False
            moved.append(distance[partner])
            changed.append(abs(float(one.probability[number]) - float(two.probability[partner])))
            renamed += bool(one.is_figure[number]) != bool(two.is_figure[partner])
        lost += int(free.sum())
    return np.array(moved or [0.0]), np.array(changed or [0.0]), renamed, lost


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", nargs="*", type=Path)
    parser.add_argument("--mpp", type=float)
    parser.add_argument("--model", type=Path, default=default_folder())
    return parser.parse_args()


if __name__ == "__main__":
    main()
