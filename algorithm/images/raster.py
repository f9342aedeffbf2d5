"""PNG and JPEG, which have to be decoded whole."""

import struct
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image as Pillow
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from algorithm.errors import ImageError
from algorithm.frames import Mpp
from algorithm.images.base import Image, checked_decode_size, plausible_mpp
from algorithm.images.colour import BLOCK_ROWS, rgb
from algorithm.images.resampling import Pixels

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff"
UM_PER_INCH = 25_400.0
COLOUR_MODES = {"P": "RGBA", "PA": "RGBA", "RGBa": "RGBA", "CMYK": "RGB", "YCbCr": "RGB", "LAB": "RGB"}
DAMAGE = (OSError, ValueError, SyntaxError, EOFError, KeyError, IndexError, struct.error, zlib.error)


class RasterImage(Image):
    """A PNG or JPEG, decoded once when it is opened. EXIF is ignored: pixels are as stored."""

    def __init__(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                opened = _opened(file)
                checked_decode_size(path, opened.size)
                self._pixels = _decoded(opened, path)
        except DAMAGE as error:
            raise ImageError(f"{path}: cannot be decoded ({error}); the file is damaged or cut short") from error
        height, width = self._pixels.shape[:2]
        super().__init__(path, size=(width, height), mpp=_mpp(opened), label=str(opened.format))

    def _window(self, level: int, x: int, y: int, width: int, height: int) -> Pixels:
        return self._pixels[y : y + height, x : x + width]

    def _release(self) -> None:
        del self._pixels


def _opened(file: BinaryIO) -> Pillow.Image:
    """Open by the plugin and not by Pillow.open, whose pixel limit is process-wide and lower than ours."""
    is_png = file.read(len(PNG)) == PNG
    file.seek(0)
    return PngImageFile(file) if is_png else JpegImageFile(file)


def _decoded(opened: Pillow.Image, path: Path) -> Pixels:
    """Return RGB, palettes and CMYK resolved; in blocks, since Pillow copies twice on the way to numpy."""
    opened.load()
    width, height = opened.size
    if opened.mode not in ("RGB", "RGBA", *COLOUR_MODES):
        return rgb(np.asarray(opened), path)  # grey in one of its forms: refused there
    out = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, BLOCK_ROWS):
        block = opened.crop((0, top, width, min(top + BLOCK_ROWS, height)))
        block = block.convert(COLOUR_MODES[block.mode]) if block.mode in COLOUR_MODES else block
        out[top : top + BLOCK_ROWS] = rgb(np.asarray(block), path)
    return out


def _mpp(opened: Pillow.Image) -> Mpp | None:
    """Return the scale of a PNG. A JPEG's is not believed: its field has 16 bits.

    0.25 um/px are 101,600 dpi, which writers cut to 36,064 dpi: a wrong 0.70 um/px that looks right.
    """
    if opened.format != "PNG":
        return None
    dpi = opened.info.get("dpi")
    if not dpi or not dpi[0] or not dpi[1]:
        return None
    return plausible_mpp(UM_PER_INCH / float(dpi[0]), UM_PER_INCH / float(dpi[1]))
