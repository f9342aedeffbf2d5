"""What importers need of a picture: its size, without decoding it."""

from pathlib import Path

import PIL.Image


def picture_size(path: Path) -> tuple[int, int]:
    """Return (width, height) px from the header."""
    with PIL.Image.open(path) as picture:
        return picture.size
