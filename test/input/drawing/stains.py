"""Light and stain: a canvas of stain amounts, stamps laid on it, and the way from there to RGB."""

from dataclasses import dataclass

import cv2
import numpy as np

from drawing import noise

MPP = 0.25  # um/px: a 40x scan, the scale of the public mitosis data sets

# Optical density in R, G, B for an amount of 1, scaled to 1 in green. Between what two scanners gave in
# published breast sections: ratios of dark nuclei, of plain stroma, and of red cells with their brown tint.
HAEMATOXYLIN, EOSIN, RUST = 0, 1, 2
ABSORPTION = np.array([[0.52, 1.0, 0.52], [0.17, 1.0, 0.52], [0.42, 1.0, 1.30]], np.float32)

BLUR_PX = 0.72  # standard deviation of objective and camera together
SHARPEN = 0.8  # scanners sharpen: the share of the detail above 1.6 px that is added again
SENSOR_NOISE = 2.0  # grey levels
GLARE = 6  # grey levels of stray light: the darkest chromatin is not quite black
FRINGE_PX = 0.25  # the red and blue planes lie this far apart from the green: lateral colour error


@dataclass(frozen=True)
class Stamp:
    """A small drawing that replaces what lies below it, centred on a corner between four pixels."""

    cover: np.ndarray  # (2n, 2n) float32, 0..1: how much of what lies below is replaced
    amounts: np.ndarray  # (2n, 2n, 3) float32: haematoxylin, eosin, rust


class Canvas:
    """Amounts of the three stains for each pixel of the image; starts as empty glass."""

    def __init__(self, height_px: int, width_px: int) -> None:
        """Sides in px."""
        self.amounts = np.zeros((height_px, width_px, 3), np.float32)

    @property
    def shape(self) -> noise.Shape:
        """Height and width, px."""
        return self.amounts.shape[:2]

    def lay(self, stamp: Stamp, x: int, y: int) -> None:
        """Lay the stamp with its centre at (x, y) px; what lies outside the canvas is cut off."""
        half, (height, width) = len(stamp.cover) // 2, self.shape
        left, top, right, bottom = (
            max(x - half, 0),
            max(y - half, 0),
            min(x + half, width),
            min(y + half, height),
        )
        if left >= right or top >= bottom:
            return
        own = np.s_[top - y + half : bottom - y + half, left - x + half : right - x + half]
        below = self.amounts[top:bottom, left:right]
        below += stamp.cover[own][..., None] * (stamp.amounts[own] - below)


def plain_stamp(cover: np.ndarray, blue: np.ndarray, eosin: np.ndarray, *, rust: float = 0.0) -> Stamp:
    """A stamp of haematoxylin (blue), eosin and evenly spread rust; amounts below zero become zero."""
    amounts = np.stack([blue, eosin, np.full_like(blue, rust)], axis=-1)
    return Stamp(cover.astype(np.float32), np.clip(amounts, 0, None).astype(np.float32))


def grid_um(half_px: int) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates (x, y) in um of the pixel centres of a stamp of 2 half_px, measured from its centre."""
    axis = ((np.arange(2 * half_px) + 0.5 - half_px) * MPP).astype(np.float32)
    return np.meshgrid(axis, axis)


def photograph(rng: np.random.Generator, amounts: np.ndarray) -> np.ndarray:
    """RGB uint8 of the stained section as a slide scanner sees it.

    Beer and Lambert: light falls with exp(-OD). Then blur, colour fringe, sharpening, uneven light and
    sensor noise.
    """
    light = GLARE + (252 - GLARE) * np.exp(-np.clip(amounts, 0, None) @ ABSORPTION)
    light = cv2.GaussianBlur(light, (0, 0), BLUR_PX)
    light = _fringed(light)
    light += SHARPEN * (light - cv2.GaussianBlur(light, (0, 0), 1.6))
    light *= _shading(rng, light.shape[:2])
    grain = rng.standard_normal(light.shape, dtype=np.float32)
    light += SENSOR_NOISE * cv2.GaussianBlur(grain, (0, 0), 0.6) / 0.47  # 0.47: what that blur leaves
    return np.clip(np.rint(light), 0, 255).astype(np.uint8)


def _fringed(light: np.ndarray) -> np.ndarray:
    """Red moved right and down, blue left and up, by FRINGE_PX."""
    planes = []
    for plane, shift in zip(cv2.split(light), (FRINGE_PX, 0.0, -FRINGE_PX), strict=True):
        move = np.array([[1, 0, shift], [0, 1, shift]])
        planes.append(cv2.warpAffine(plane, move, plane.shape[::-1], borderMode=cv2.BORDER_REPLICATE))
    return cv2.merge(planes)


def _shading(rng: np.random.Generator, shape: noise.Shape) -> np.ndarray:
    """A factor near 1 for each pixel and channel: the lamp is never quite even, nor quite white."""
    field = np.stack([noise.smooth(rng, shape, 900) for _ in range(3)], axis=-1)
    return 1 + 0.008 * field
