"""Jitter of hue, saturation and value."""

import cv2
import numpy as np

from algorithm.images import Pixels


def jittered(pixels: Pixels, hue_deg: float, saturation: float, value: float) -> Pixels:
    """Return the patch with its hue turned by degrees, and saturation and value multiplied by 1 + these."""
    levels = np.arange(256)
    tables = (
        (levels + round(hue_deg / 360 * 256)) % 256,  # HSV_FULL: the colour circle has 256 steps
        np.clip(levels * (1 + saturation), 0, 255),
        np.clip(levels * (1 + value), 0, 255),
    )
    table = np.stack(tables, axis=-1).astype(np.uint8)[None]
    hsv = cv2.LUT(cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV_FULL), table)
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB_FULL), np.uint8)
