"""All changes of a patch in their order: geometry, stain, colour, blur, JPEG - from the tissue to the file."""

import numpy as np

from algorithm.images import Pixels
from training.augment import colour, quality, stain
from training.augment.pieces import turned
from training.augment.settings import AugmentSettings


class Augment(AugmentSettings):
    """The settings, made use of. Every number comes from the generator given; what is off draws none."""

    def draw_mosaic(self, rng: np.random.Generator) -> bool:
        """Return whether the next patch is a mosaic."""
        return _happens(self.mosaic_share, rng)

    def draw_isolated(self, rng: np.random.Generator) -> bool:
        """Return whether the next piece shows its cell alone, as published crops do."""
        return _happens(self.isolated_share, rng)

    def draw_pasted(self, rng: np.random.Generator) -> bool:
        """Return whether the next piece shows its cell in tissue of another image."""
        return _happens(self.pasted_share, rng)

    def draw_zoom(self, rng: np.random.Generator) -> float:
        """Return how much larger the next piece is shown; larger and smaller alike."""
        return float((1 + self.zoom) ** rng.uniform(-1, 1)) if self.zoom else 1.0

    def __call__(self, pixels: Pixels, boxes: np.ndarray, rng: np.random.Generator) -> tuple[Pixels, np.ndarray]:
        """Return the changed patch (height, width, 3) and its boxes (n, 4), patch px.

        Zoom, mosaic, isolation and pasting need more than the patch: the dataset makes them, before this.
        """
        if self.turn_and_flip:
            pixels, boxes = turned(pixels, boxes, rng)
        if _happens(self.macenko_share, rng):
            pixels = stain.normalised(pixels)
        if self.stain_factor or self.stain_shift:
            factor, shift = 1 + self.stain_factor * rng.uniform(-1, 1, 3), self.stain_shift * rng.uniform(-1, 1, 3)
            pixels = stain.jittered(pixels, factor, shift)
        if self.hue_deg or self.saturation or self.value:  # the way through HSV and back alone changes values by a few
            pixels = colour.jittered(pixels, *(rng.uniform(-1, 1, 3) * (self.hue_deg, self.saturation, self.value)))
        if self.blur_sigma_px and _happens(self.blur_share, rng):
            pixels = quality.blurred(pixels, rng.uniform(0, self.blur_sigma_px))
        if _happens(self.jpeg_share, rng):
            low, high = self.jpeg_quality
            pixels = quality.recompressed(pixels, int(rng.integers(low, high, endpoint=True)))
        return pixels, boxes


def _happens(share: float, rng: np.random.Generator) -> bool:
    return bool(share) and rng.random() < share
