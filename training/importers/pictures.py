"""What importers need of a picture: its size, without decoding it."""

from pathlib import Path

import PIL.Image

from algorithm.errors import ImageError


def picture_size(path: Path) -> tuple[int, int]:
    """Return (width, height) px from the header. Raises ImageError."""
    try:
        with PIL.Image.open(path) as picture:
            return picture.size
    except OSError as error:
        raise ImageError(f"{path}: cannot be opened ({error})") from error
