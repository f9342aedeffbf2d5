"""From what a file holds to 8-bit RGB."""

from enum import Enum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from algorithm.errors import ImageError
from algorithm.images.resampling import Pixels

WHITE = 255
OPAQUE = 255
BLOCK_ROWS = 512  # rows that are converted at a time: the wider types in between stay small


class Alpha(Enum):
    """What a fourth channel means."""

    STRAIGHT = "straight"  # colours are as they would be on opaque glass
    MULTIPLIED = "multiplied"  # colours are scaled by alpha already
    NONE = "none"  # the channel holds something else


def check_rgb(path: Path, *, channels: int, dtype: np.dtype[np.generic]) -> None:
    """Raise ImageError unless it is RGB or RGBA of 8 or 16 bits: the stain is in the colour."""
    if channels not in (3, 4):
        raise ImageError(f"{path}: {channels} channel(s) found; an H&E image in RGB is needed")
    if dtype.kind != "u" or dtype.itemsize not in (1, 2):
        raise ImageError(f"{path}: pixels of type {dtype}; 8 or 16 bits a channel are needed")


def rgb(pixels: NDArray[np.generic], path: Path, *, alpha: Alpha = Alpha.STRAIGHT) -> Pixels:
    """Return (height, width, 3) uint8 from what a file held, or say why it is no H&E image.

    pixels: (height, width, channels), any byte order. RGBA is laid over white; 16 bits become 8.
    Raises ImageError for grey-scale and other types. Returns `pixels` itself where nothing changes.
    """
    check_rgb(path, channels=1 if pixels.ndim == 2 else pixels.shape[-1], dtype=pixels.dtype)
    if pixels.shape[2] == 4 and alpha is Alpha.NONE:
        pixels = pixels[:, :, :3]
    if pixels.dtype == np.uint8 and pixels.shape[2] == 3:
        return pixels.astype(np.uint8, copy=False)
    out = np.empty((*pixels.shape[:2], 3), np.uint8)
    for top in range(0, len(pixels), BLOCK_ROWS):
        block = _eight_bits(pixels[top : top + BLOCK_ROWS])
        out[top : top + BLOCK_ROWS] = block if block.shape[2] == 3 else _over_white(block, alpha)
    return out


def _eight_bits(block: NDArray[np.generic]) -> NDArray[np.uint8]:
    if block.dtype.itemsize == 1:
        return block.astype(np.uint8, copy=False)
    return (block.astype(np.uint16) >> 8).astype(np.uint8)


def _over_white(block: NDArray[np.uint8], alpha: Alpha) -> Pixels:
    """Return the (rows, width, 4) block as it looks on white."""
    colour, cover = block[:, :, :3], block[:, :, 3:]
    if cover.min(initial=OPAQUE) == OPAQUE:
        return colour
    wide = cover.astype(np.uint16)
    shown = colour.astype(np.uint16)
    if alpha is Alpha.STRAIGHT:
        shown = (shown * wide + OPAQUE // 2) // OPAQUE
    out: Pixels = np.minimum(shown + (WHITE - wide), WHITE).astype(np.uint8)
    return out
