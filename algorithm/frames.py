"""Every change of coordinates: tile px -> image px -> micrometres -> the platform's millimetres.

A place is (x, y) float64 in pixels of the image at full resolution; the origin is the top left corner
of the top left pixel, so the centre of pixel (0, 0) is (0.5, 0.5). Nothing outside this file converts.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]  # (n, 2) x y
Boxes = NDArray[np.float32]  # (n, 4) x1 y1 x2 y2

UM_PER_MM = 1000.0
PIXEL_CENTRE = 0.5  # ITK's integer coordinates are pixel centres, ours are corners


class Mpp(NamedTuple):
    """Size of a pixel, micrometres."""

    x: float
    y: float


class Scale(NamedTuple):
    """Image pixels to one pixel of the tile that the engine sees."""

    x: float
    y: float


def centres(boxes: Boxes) -> Points:
    """Return the middle of each box, (n, 2) float64, in the frame of the boxes."""
    wide = boxes.astype(np.float64)
    return np.asarray((wide[:, :2] + wide[:, 2:]) / 2)


def tile_to_image(boxes: Boxes, *, origin_px: tuple[int, int], scale: Scale) -> Boxes:
    """Move boxes (n, 4) from tile px to image px; origin_px is the tile's corner in the image."""
    factors = np.array([scale.x, scale.y, scale.x, scale.y])
    shift = np.array([*origin_px, *origin_px], dtype=np.float64)
    return np.asarray(boxes.astype(np.float64) * factors + shift, np.float32)


def whole_scale(scale: Scale, side_px: int) -> Scale:
    """Return the scale next to this one at which a square of side_px covers a whole number of image px each way.

    Its corner and its scale are exact then.
    """
    return Scale(*(max(1, round(side_px * ratio)) / side_px for ratio in scale))


def window_px(side_px: int, scale: Scale) -> tuple[int, int]:
    """Return (width, height), image px, of what a square of side_px shows at a whole scale."""
    return round(side_px * scale.x), round(side_px * scale.y)


def resampled_size(size: tuple[int, int], scale: Scale) -> tuple[int, int]:
    """Return (width, height), tile px, that a window of the image of this size, image px, is read as."""
    return max(1, round(size[0] / scale.x)), max(1, round(size[1] / scale.y))


def resampled_scale(size: tuple[int, int], scale: Scale) -> Scale:
    """Return the scale that a window of this size, image px, really has: its size in tile px was rounded."""
    width, height = resampled_size(size, scale)
    return Scale(size[0] / width, size[1] / height)


def sheet_to_cell(boxes: Boxes, corner_px: tuple[int, int]) -> Boxes:
    """Move boxes (n, 4) from the px of a sheet to those of the cell whose corner lies there."""
    return np.asarray(boxes - np.array([*corner_px, *corner_px], np.float32), np.float32)


def image_to_um(xy: Points, mpp: Mpp) -> Points:
    """Return places (n, 2) in micrometres from the image's top left corner."""
    return np.asarray(xy * np.array(mpp))


def image_to_platform_mm(xy: Points, mpp: Mpp, origin_mm: tuple[float, float]) -> Points:
    """Return places (n, 2) in the platform's millimetres: origin + index * spacing, index 0 = centre of pixel 0."""
    return np.asarray(np.array(origin_mm) + (xy - PIXEL_CENTRE) * np.array(mpp) / UM_PER_MM)


def platform_mm_to_image(mm: Points, mpp: Mpp, origin_mm: tuple[float, float]) -> Points:
    """Undo image_to_platform_mm."""
    return np.asarray((mm - np.array(origin_mm)) * UM_PER_MM / np.array(mpp) + PIXEL_CENTRE)


def area_mm2(size: tuple[int, int], mpp: Mpp) -> float:
    """Return the area of an image of size (width, height) px, mm2."""
    return size[0] * mpp.x * size[1] * mpp.y / UM_PER_MM**2
