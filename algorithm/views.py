"""The eight views of a tile (flips and right-angle turns) and the way back for boxes. Pure."""

import numpy as np

from algorithm.frames import Boxes
from algorithm.images import Pixels

VIEW_COUNT = 8  # 0-3: turned counter-clockwise by 0, 90, 180, 270 degrees; 4-7: mirrored left-right, then turned


def apply(tile: Pixels, view: int) -> Pixels:
    """Return the view of a tile (height, width, 3); views 1, 3, 5 and 7 swap height and width."""
    _check(view)
    mirrored = tile[:, ::-1] if view >= 4 else tile
    return np.ascontiguousarray(np.rot90(mirrored, view % 4))


def forward(boxes: Boxes, view: int, size: tuple[int, int]) -> Boxes:
    """Return boxes (n, 4) of a tile of size (width, height) px as they lie in its view."""
    _check(view)
    width, height = size
    if view >= 4:
        boxes = _mirrored(boxes, width)
    for _ in range(view % 4):
        boxes = _turned(boxes, width)
        width, height = height, width
    return boxes


def invert(boxes: Boxes, view: int, size: tuple[int, int]) -> Boxes:
    """Return boxes (n, 4) found in a view in px of the tile itself, whose size is (width, height) px."""
    _check(view)
    turns = view % 4
    width, height = size if turns % 2 == 0 else (size[1], size[0])
    for _ in range((4 - turns) % 4):
        boxes = _turned(boxes, width)
        width, height = height, width
    return _mirrored(boxes, size[0]) if view >= 4 else boxes


def _turned(boxes: Boxes, width: int) -> Boxes:
    """Turn boxes by 90 degrees counter-clockwise, as np.rot90 turns the pixels: (x, y) -> (y, width - x)."""
    x1, y1, x2, y2 = boxes.T
    return np.stack([y1, width - x2, y2, width - x1], axis=1).astype(np.float32)


def _mirrored(boxes: Boxes, width: int) -> Boxes:
    x1, y1, x2, y2 = boxes.T
    return np.stack([width - x2, y1, width - x1, y2], axis=1).astype(np.float32)


def _check(view: int) -> None:
    if not 0 <= view < VIEW_COUNT:
        raise ValueError(f"view {view}: views are numbered 0 to {VIEW_COUNT - 1}")
