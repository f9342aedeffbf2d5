"""Changes that leave a figure a figure: geometry, stain, colour, and how sharp and how compressed a picture is."""

from training.augment.augment import Augment
from training.augment.settings import AugmentSettings

__all__ = ["Augment", "AugmentSettings"]
