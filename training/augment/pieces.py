"""What is cut from an image, and the changes of it that move figures: turns, zoom, mosaic."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from algorithm import views
from algorithm.images import Pixels

MOSAIC_CENTRE = (0.3, 0.7)  # of each side: no quarter is a mere strip


@dataclass(frozen=True)
class Piece:
    """pixels (height, width, 3) uint8 RGB; boxes (n, 4) float32 x1 y1 x2 y2, px of it; labels (n,) int64.

    A box has one physical size around its place, and may reach over the edge: its middle is what counts.
    """

    pixels: Pixels
    boxes: np.ndarray
    labels: np.ndarray


def resized(piece: Piece, size_px: tuple[int, int]) -> Piece:
    """Return the piece at another size (width, height). Places move; boxes keep their size in px.

    A cell that is shown larger is a larger cell, and the sets annotate places: a larger cell has no larger box.
    """
    height, width = piece.pixels.shape[:2]
    if size_px == (width, height):
        return piece
    method = cv2.INTER_AREA if size_px[0] < width else cv2.INTER_LINEAR
    pixels = np.asarray(cv2.resize(piece.pixels, size_px, interpolation=method), np.uint8)
    middle = (piece.boxes[:, :2] + piece.boxes[:, 2:]) / 2
    moved = middle * (np.array(size_px) / (width, height) - 1)
    return Piece(pixels, (piece.boxes + np.hstack([moved, moved])).astype(np.float32), piece.labels)


def turned(pixels: Pixels, boxes: np.ndarray, rng: np.random.Generator) -> tuple[Pixels, np.ndarray]:
    """Return one of the views that keep the shape: eight of a square, half turns and mirrors of an oblong."""
    square = pixels.shape[0] == pixels.shape[1]
    view = int(rng.integers(views.VIEW_COUNT)) if square else 2 * int(rng.integers(views.VIEW_COUNT // 2))
    boxes = views.forward(boxes, view, (pixels.shape[1], pixels.shape[0]))
    return views.apply(pixels, view), boxes


def quarters(size_px: tuple[int, int], rng: np.random.Generator) -> list[tuple[int, int, int, int]]:
    """Draw where a mosaic's four pieces meet; return each one's (x, y, width, height), px."""
    width, height = size_px
    x, y = (round(side * rng.uniform(*MOSAIC_CENTRE)) for side in size_px)
    return [
        (0, 0, x, y),
        (x, 0, width - x, y),
        (0, y, x, height - y),
        (x, y, width - x, height - y),
    ]


def joined(places: Sequence[tuple[int, int, int, int]], pieces: Sequence[Piece]) -> Piece:
    """Put pieces, each of its quarter's size, together. A box whose middle lies outside its quarter is dropped.

    mmdet's Mosaic draws from numpy's global state, so that an item would be no function of its seed, and clips
    boxes, which moves their middles.
    """
    width, height = max(x + w for x, _, w, _ in places), max(y + h for _, y, _, h in places)
    pixels = np.empty((height, width, 3), np.uint8)
    boxes, labels = [np.empty((0, 4), np.float32)], [np.empty(0, np.int64)]
    for (x, y, w, h), piece in zip(places, pieces, strict=True):
        pixels[y : y + h, x : x + w] = piece.pixels
        middle = (piece.boxes[:, :2] + piece.boxes[:, 2:]) / 2
        inside = ((middle >= 0) & (middle < (w, h))).all(axis=1)
        boxes.append(piece.boxes[inside] + np.array([x, y, x, y], np.float32))
        labels.append(piece.labels[inside])
    return Piece(pixels, np.concatenate(boxes), np.concatenate(labels))
