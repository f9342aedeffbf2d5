"""What optics and storage do to a picture: blur and JPEG."""

import cv2
import numpy as np

from algorithm.images import Pixels

SHARP_PX = 0.1  # a Gaussian as narrow as this one changes no value


def blurred(pixels: Pixels, sigma_px: float) -> Pixels:
    """Return the patch blurred by a Gaussian."""
    if sigma_px < SHARP_PX:
        return pixels
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma_px), np.uint8)


def recompressed(pixels: Pixels, quality: int) -> Pixels:
    """Return the patch as it comes back from a JPEG file of this quality, 1 to 100, colours at half resolution."""
    _, stored = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.cvtColor(cv2.imdecode(stored, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB), np.uint8)
