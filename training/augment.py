"""Changes that leave a figure a figure: flips, right-angle turns, and jitter of hue, saturation and value."""

from dataclasses import dataclass

import cv2
import numpy as np

from algorithm import views
from algorithm.images import Pixels


@dataclass(frozen=True)
class Augment:
    """Largest changes. hue_deg: degrees of the colour circle; saturation, value: factors off 1."""

    turn_and_flip: bool = True
    hue_deg: float = 12.0
    saturation: float = 0.3
    value: float = 0.15

    def __call__(self, pixels: Pixels, boxes: np.ndarray, rng: np.random.Generator) -> tuple[Pixels, np.ndarray]:
        """Return the changed patch (height, width, 3) and its boxes (n, 4), patch px."""
        if self.turn_and_flip:
            square = pixels.shape[0] == pixels.shape[1]
            # only half turns and mirrors keep the shape of an oblong patch
            view = int(rng.integers(views.VIEW_COUNT)) if square else 2 * int(rng.integers(views.VIEW_COUNT // 2))
            boxes = views.forward(boxes, view, (pixels.shape[1], pixels.shape[0]))
            pixels = views.apply(pixels, view)
        return self._colours(pixels, rng), boxes

    def _colours(self, pixels: Pixels, rng: np.random.Generator) -> Pixels:
        if not (self.hue_deg or self.saturation or self.value):
            return pixels  # the way through HSV and back alone changes values by a few
        hue, saturation, value = rng.uniform(-1, 1, 3) * (self.hue_deg, self.saturation, self.value)
        levels = np.arange(256)
        tables = (
            (levels + round(hue / 360 * 256)) % 256,  # HSV_FULL: the colour circle has 256 steps
            np.clip(levels * (1 + saturation), 0, 255),
            np.clip(levels * (1 + value), 0, 255),
        )
        table = np.stack(tables, axis=-1).astype(np.uint8)[None]
        hsv = cv2.LUT(cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV_FULL), table)
        return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB_FULL), np.uint8)
