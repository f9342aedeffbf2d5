"""A round piece of one image faded into another: a cell in tissue that is not its own."""

import numpy as np
from numpy.typing import NDArray

from training.augment.pieces import Piece

ROUND, SOFT = 60 / 64, 14 / 64  # of half a side: where the piece has faded out, and over how much


def fading(side_px: int) -> NDArray[np.float64]:
    """Return what part of a pixel (side, side, 1) is the piece's: all in the middle, none at its border."""
    half = side_px / 2
    offset = np.arange(side_px) - (side_px - 1) / 2
    distance = np.hypot(offset[:, None], offset[None, :])
    return np.clip((ROUND * half - distance) / (SOFT * half), 0, 1)[..., None]


def pasted(ground: Piece, piece: Piece, corner: tuple[int, int]) -> Piece:
    """Return the ground with a square piece faded into it at a corner (x, y) px, where it fits.

    A cell belongs to what shows most of it: those of the piece outside of the round part are dropped, and those of
    the ground inside.
    """
    side, (x, y) = piece.pixels.shape[0], corner
    share, pixels = fading(side), ground.pixels.copy()
    under = pixels[y : y + side, x : x + side]
    under[:] = np.rint(share * piece.pixels + (1 - share) * under).astype(np.uint8)
    moved = piece.boxes + np.array([x, y, x, y], np.float32)
    middle = (x + side / 2, y + side / 2)
    shown = np.concatenate([~_covered(ground.boxes, middle, side), _covered(moved, middle, side)])
    boxes = np.concatenate([ground.boxes, moved])[shown]
    return Piece(pixels, boxes, np.concatenate([ground.labels, piece.labels])[shown])


def _covered(boxes: np.ndarray, middle: tuple[float, float], side: int) -> NDArray[np.bool_]:
    """Return (n,) whether the piece is the larger part of the pixel in the middle of each box."""
    off = (boxes[:, :2] + boxes[:, 2:]) / 2 - np.array(middle)
    return np.hypot(off[:, 0], off[:, 1]) < (ROUND - SOFT / 2) * side / 2
