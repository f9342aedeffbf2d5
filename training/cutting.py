"""Tissue cut from images at the working resolution, with the boxes of the known cells in it."""

from collections.abc import Mapping, Sequence

import numpy as np

from algorithm.images import Pixels
from training.augment.pieces import Piece
from training.index import IndexedImage
from training.places import Kind, Patch
from training.working import WorkingImages

TRIES = 12  # places looked at for a patch that is cut anywhere, until one shows tissue
ALONE_UM = 32.0  # side of the crops of AMi-Br
TISSUE_COLOUR = 20  # glass is grey: of a stained pixel the channels differ by more than this
TISSUE_SHARE = 0.1  # of a patch's pixels
EVERY_LABEL = {"MF": 0, "NMF": 1}


class Cutter:
    """Cuts pieces around patches' places. box_px: side of a cell's box; labels: the classes' numbers by label."""

    def __init__(
        self, images: Sequence[IndexedImage], *, mpp: float, box_px: float, labels: Mapping[str, int], cache_bytes: int
    ) -> None:
        self._working = WorkingImages(images, mpp=mpp, cache_bytes=cache_bytes)
        self._images = images
        self._mpp = mpp
        self._box_px = box_px
        self._labels = labels

    def size(self, number: int) -> tuple[int, int]:
        """Return (width, height) of an image, working px."""
        return self._working.size(number)

    def piece(self, patch: Patch, extent: tuple[int, int], margin: float, rng: np.random.Generator) -> Piece:
        """Return tissue of this extent (width, height), px; a patch's cell is inside by the margin."""
        x, y, pixels = self._cut(patch, extent, margin, rng)
        return Piece(pixels, *self._cells(patch.image, x, y, extent, self._labels))

    def alone(self, patch: Patch, extent: tuple[int, int], rng: np.random.Generator) -> Piece:
        """Return 32 um of tissue, the cell in their middle, and their reflections: as a published crop is seen."""
        side, pixels, cells = self._cut_out(patch, extent, rng)
        pixels = np.pad(pixels, ((0, extent[1] - side), (0, extent[0] - side), (0, 0)), mode="symmetric")
        return Piece(pixels, *self._echoed(cells, (side, side), (0, 0), extent))

    def cut_out(self, patch: Patch, extent: tuple[int, int], rng: np.random.Generator) -> Piece:
        """Return a square of 32 um of tissue, or less where the extent is less, the cell in its middle."""
        side, pixels, cells = self._cut_out(patch, extent, rng)
        return Piece(pixels, *self._echoed(cells, (side, side), (0, 0), (side, side)))

    def _cut_out(
        self, patch: Patch, extent: tuple[int, int], rng: np.random.Generator
    ) -> tuple[int, Pixels, list[tuple[float, float, int]]]:
        """Return side, pixels and cells (x, y, label) of 32 um of tissue, the patch's cell in their middle."""
        size = self._working.size(patch.image)
        side = min(round(ALONE_UM / self._mpp), *size, *extent)
        x, y, tissue = self._cut(patch, (side, side), side / 2, rng)
        shown = [
            (cx - x, cy - y, label)
            for cx, cy, label in self._known(patch.image, self._labels)
            if 0 <= cx - x < side and 0 <= cy - y < side
        ]
        return side, tissue, shown

    def _cut(
        self, patch: Patch, extent: tuple[int, int], margin: float, rng: np.random.Generator
    ) -> tuple[int, int, Pixels]:
        """Return corner and pixels. What is cut at no cell is drawn again where it shows glass or a cell not wanted.

        An image with nothing else, as a crop around a figure, gives its last draw: its boxes are right all the same.
        """
        for _ in range(TRIES if patch.centre is None else 1):
            x, y = self._corner(patch, extent, margin, rng)
            wanted = patch.kind != Kind.BACKGROUND or not len(self._cells(patch.image, x, y, extent, EVERY_LABEL)[1])
            if wanted:
                pixels = self._working.window(patch.image, x, y, extent)
                if patch.centre is not None or shows_tissue(pixels):
                    return x, y, pixels
        return x, y, self._working.window(patch.image, x, y, extent)

    def _corner(
        self, patch: Patch, extent: tuple[int, int], margin: float, rng: np.random.Generator
    ) -> tuple[int, int]:
        """Draw where the patch begins: its cell stays inside by a margin where image and patch are large enough."""
        corner = []
        for axis in (0, 1):
            last = max(0, self._working.size(patch.image)[axis] - extent[axis])
            low, high = 0.0, float(last)
            if patch.centre is not None:
                centre = patch.centre[axis] * self._working.factor(patch.image)[axis]
                inside = min(margin, extent[axis] / 2)
                high = centre - inside
                low = min(centre - extent[axis] + inside, high)  # the same but for rounding, of a cell in the middle
            corner.append(int(np.clip(round(rng.uniform(low, high)), 0, last)))
        return corner[0], corner[1]

    def _cells(
        self, number: int, x: int, y: int, extent: tuple[int, int], known: dict[str, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return boxes (n, 4) float32 in px from (x, y) and labels (n,) of the known cells in the extent."""
        return self._echoed(self._known(number, known), self._working.size(number), (x, y), extent)

    def _known(self, number: int, known: dict[str, int]) -> list[tuple[float, float, int]]:
        """Return (x, y, label) of the known cells of an image, working px."""
        across, down = self._working.factor(number)
        cells = self._images[number].annotations
        return [(cell.x * across, cell.y * down, known[cell.label]) for cell in cells if cell.label in known]

    def _echoed(
        self,
        cells: Sequence[tuple[float, float, int]],
        size: tuple[int, int],
        corner: tuple[int, int],
        extent: tuple[int, int],
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return boxes and labels of cells in tissue of this size that is filled up by its reflection."""
        half = self._box_px / 2
        boxes, labels = [], []
        for x, y, label in cells:
            for cx in _echoes(x, size[0], corner[0], extent[0]):
                for cy in _echoes(y, size[1], corner[1], extent[1]):
                    boxes.append((cx - half, cy - half, cx + half, cy + half))
                    labels.append(label)
        return np.array(boxes, np.float32).reshape(-1, 4), np.array(labels, np.int64)


def shows_tissue(pixels: Pixels) -> bool:
    """Return whether a patch (height, width, 3) uint8 holds enough stained pixels to learn from."""
    few = pixels[::4, ::4]
    return bool((np.ptp(few, axis=2) > TISSUE_COLOUR).mean() >= TISSUE_SHARE)


def _echoes(place: float, length: int, start: int, extent: int) -> list[float]:
    """Return where a place shows on one axis of a patch, patch px: once, and again where the image was reflected."""
    turns = range((start + extent) // (2 * length) + 2)
    shown = [place] + [2 * length * turn + sign * place for turn in turns for sign in (-1, 1) if turn]
    return [at - start for at in shown if 0 <= at - start < extent]
