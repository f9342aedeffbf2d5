"""Reading images: `open_image` picks the family by content, `Image` is what it gives."""

from algorithm.images.base import Image
from algorithm.images.opening import SUFFIXES, open_image
from algorithm.images.partial import PartialImage
from algorithm.images.resampling import Pixels, resize

__all__ = ["SUFFIXES", "Image", "PartialImage", "Pixels", "open_image", "resize"]
