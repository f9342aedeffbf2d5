"""Regions to measure on: the drawn sample, repeated to any size, as TIFF files like those that the platform sends."""

from pathlib import Path

import numpy as np
import tifffile

from algorithm.images import open_image

SAMPLE = Path(__file__).resolve().parents[1] / "test/input/interf0/images/histopathology-roi-cropout"
UM_PER_CM = 10_000.0


def region(width: int, height: int) -> np.ndarray:
    """Return (height, width, 3) uint8: the sample, mirrored again and again so that there is no seam."""
    with open_image(next(SAMPLE.glob("*.tif"))) as image:
        sample = image.read(0, 0, *image.size)
    row = np.concatenate([sample, sample[:, ::-1]], axis=1)
    block = np.concatenate([row, row[::-1]], axis=0)
    times = -(-height // block.shape[0]), -(-width // block.shape[1]), 1
    return np.tile(block, times)[:height, :width]


def write_tiff(path: Path, pixels: np.ndarray, *, mpp: float, kind: str) -> None:
    """Write a TIFF with its resolution; kind: `strips` uncompressed, `tiles` JPEG, `strip` one of LZW."""
    how = {
        "strips": {"rowsperstrip": 64},
        "tiles": {"tile": (512, 512), "compression": "jpeg"},
        "strip": {"rowsperstrip": len(pixels), "compression": "lzw", "predictor": True},
    }[kind]
    per_cm = UM_PER_CM / mpp
    tifffile.imwrite(path, pixels, photometric="rgb", resolution=(per_cm, per_cm), resolutionunit="CENTIMETER", **how)
