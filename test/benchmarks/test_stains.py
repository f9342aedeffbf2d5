"""How much stain a slide has."""

import numpy as np
import pytest

from benchmarks.stains import of_tissue
from training.augment.stain import RGB_FROM_STAINS


def test_stains_are_those_that_were_mixed_and_glass_has_none():
    mixed = 255 * np.exp(-np.array([0.8, 0.3, 0.0]) @ RGB_FROM_STAINS)
    dark = 255 * np.exp(-np.array([1.6, 0.3, 0.0]) @ RGB_FROM_STAINS)
    pixels = np.full((20, 20, 3), 255, np.uint8)
    pixels[:10] = mixed.round()
    pixels[0, :10] = dark.round()  # one twentieth of the tissue
    assert of_tissue(pixels) == pytest.approx([0.84, 1.6, 0.3], abs=0.01)
    assert (of_tissue(np.full((20, 20, 3), 255, np.uint8)) == 0).all()
