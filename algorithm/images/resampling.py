"""Pixels at another scale, without shifting what they show."""

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]  # (height, width, 3) RGB

WARP_LIMIT_PX = 32_767  # OpenCV's warps count in int16


def resize(pixels: Pixels, out: tuple[int, int]) -> Pixels:
    """Return pixels as out = (width, height): areas are averaged when it shrinks, bilinear when it grows."""
    height, width = pixels.shape[:2]
    return resample(pixels, window=(0.0, 0.0, float(width), float(height)), out=out)


def resample(pixels: Pixels, *, window: tuple[float, float, float, float], out: tuple[int, int]) -> Pixels:
    """Return a window of pixels, whose corner and size may be fractions, as out = (width, height).

    window: left, top, width, height in px of `pixels`; it lies inside. Returns a new array, or `pixels`
    itself where nothing changes.

    Shrinking by f takes two steps: bilinear to k = round(f) times `out`, then means of k x k. OpenCV's own
    area filter takes 4 times as long when f is no integer, for a result within 54 dB of this one.
    Below f = 1.5 that is bilinear alone, which is nearer to a Lanczos filter than area means are.
    """
    left, top, width, height = window
    across, down = max(1, round(width / out[0])), max(1, round(height / out[1]))
    return _boxed(_fine_grid(pixels, (left, top, width, height), (out[0] * across, out[1] * down)), across, down)


def _fine_grid(pixels: Pixels, window: tuple[float, float, float, float], size: tuple[int, int]) -> Pixels:
    """Return the window as size = (width, height), bilinear; a plain crop where the grids agree."""
    left, top, width, height = window
    if max(pixels.shape[:2]) >= WARP_LIMIT_PX or max(size) >= WARP_LIMIT_PX:
        left, top = float(round(left)), float(round(top))
        width, height = max(1.0, float(round(width))), max(1.0, float(round(height)))
    if all(edge.is_integer() for edge in (left, top, width, height)):
        column, row = int(left), int(top)
        pixels = pixels[row : row + int(height), column : column + int(width)]
        if size == (pixels.shape[1], pixels.shape[0]):
            return pixels
        return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    across, down = width / size[0], height / size[1]
    # centres lie at halves: that of fine pixel i is left + (i + 0.5) * across, and OpenCV counts from centres
    to_source = np.array([[across, 0.0, left + 0.5 * across - 0.5], [0.0, down, top + 0.5 * down - 0.5]], np.float64)
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    fine = cv2.warpAffine(pixels, to_source, size, flags=how, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(fine, np.uint8)


def _boxed(pixels: Pixels, across: int, down: int) -> Pixels:
    """Return means of across x down pixels. Halving is OpenCV's fast case, so it goes first."""
    while across % 2 == 0 and down % 2 == 0:
        across, down = across // 2, down // 2
        pixels = _area(pixels, 2, 2)
    return pixels if across == down == 1 else _area(pixels, across, down)


def _area(pixels: Pixels, across: int, down: int) -> Pixels:
    size = (pixels.shape[1] // across, pixels.shape[0] // down)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
