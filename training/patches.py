"""Patches: what the network is trained on, cut from images at the working resolution."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData
from torch.utils.data import Dataset

from algorithm.images import Pixels
from training.augment import Augment
from training.augment.pieces import Piece, joined, quarters, resized
from training.index import IndexedImage
from training.working import WorkingImages

TRIES = 12  # places looked at for a patch that is cut anywhere, until one shows tissue
ALONE_UM = 32.0  # side of the crops of AMi-Br
TISSUE_COLOUR = 20  # glass is grey: of a stained pixel the channels differ by more than this
TISSUE_SHARE = 0.1  # of a patch's pixels


class Kind(StrEnum):
    """What a patch was cut for."""

    FIGURE = "figure"
    IMPOSTER = "imposter"
    BACKGROUND = "background"  # tissue without any annotated cell
    ANYWHERE = "anywhere"  # tissue, with whatever cells are there


EVERY_LABEL = {"MF": 0, "NMF": 1}
KIND_OF_LABEL = {"MF": Kind.FIGURE, "NMF": Kind.IMPOSTER}


@dataclass(frozen=True)
class Patch:
    """A place to cut around, or anywhere in the image. image: its number; centre: (x, y) px of the image."""

    image: int
    dataset: str
    slide: str
    kind: Kind
    centre: tuple[float, float] | None


def patches_of(images: Sequence[IndexedImage]) -> list[Patch]:
    """Return a patch for each annotation, and for each image one anywhere and one of background."""
    found = []
    for number, image in enumerate(images):
        of = number, image.dataset, image.slide
        found += [Patch(*of, kind, None) for kind in (Kind.ANYWHERE, Kind.BACKGROUND)]
        found += [Patch(*of, KIND_OF_LABEL[cell.label], (cell.x, cell.y)) for cell in image.annotations]
    return found


class PatchDataset(Dataset):
    """Patches with their boxes, as mmdet takes them; the item's number is (patch, seed)."""

    def __init__(
        self,
        images: Sequence[IndexedImage],
        *,
        mpp: float,
        box_px: float,
        patch_px: tuple[int, int],
        classes: Sequence[str],
        augment: Augment,
        cache_bytes: int,
    ) -> None:
        self.patches = patches_of(images)
        self.metainfo = {"classes": tuple(classes)}
        self._working = WorkingImages(images, mpp=mpp, cache_bytes=cache_bytes)
        self._images = images
        self._mpp = mpp
        self._box_px = box_px
        self._patch_px = patch_px
        self._labels = {"MF": 0, "NMF": 1} if len(classes) > 1 else {"MF": 0}
        self._augment = augment
        self._cumulative: np.ndarray | None = None

    def mix_by(self, probabilities: np.ndarray) -> None:
        """Say how probable each patch is, (n,), for the other three of a mosaic."""
        self._cumulative = np.cumsum(probabilities)

    def __len__(self) -> int:
        return len(self.patches)

    def __getitem__(self, draw: tuple[int, int]) -> dict:
        number, seed = draw
        rng = np.random.default_rng(seed)
        mosaic = self._augment.draw_mosaic(rng)
        piece = self._mosaic(number, rng) if mosaic else self._piece(number, self._patch_px, rng)
        pixels, boxes = self._augment(piece.pixels, piece.boxes, rng)
        return {
            "inputs": torch.from_numpy(pixels.transpose(2, 0, 1).copy()),
            "data_samples": _sample(boxes, piece.labels, pixels),
        }

    def _mosaic(self, number: int, rng: np.random.Generator) -> Piece:
        """Return the patch with three more, drawn as the sampler draws them, each cut at its quarter's size."""
        if self._cumulative is None:
            raise ValueError("a mosaic needs the probabilities of the patches: call mix_by first")
        drawn = np.searchsorted(self._cumulative, rng.random(3), side="right")
        others = np.minimum(drawn, len(self.patches) - 1)  # the sum may be rounded down
        places = quarters(self._patch_px, rng)
        cut = [self._piece(n, (w, h), rng) for n, (_, _, w, h) in zip([number, *others], places, strict=True)]
        return joined(places, cut)

    def _piece(self, number: int, size_px: tuple[int, int], rng: np.random.Generator) -> Piece:
        """Return a patch of this size (width, height), cut as much larger or smaller as it is zoomed."""
        patch, factor = self.patches[number], self._augment.draw_zoom(rng)
        extent = round(size_px[0] / factor), round(size_px[1] / factor)
        if self._augment.draw_isolated(rng):
            return resized(self._alone(patch, extent, rng), size_px)
        x, y, pixels = self._cut(patch, extent, self._box_px / factor, rng)
        return resized(Piece(pixels, *self._cells(patch.image, x, y, extent, self._labels)), size_px)

    def _alone(self, patch: Patch, extent: tuple[int, int], rng: np.random.Generator) -> Piece:
        """Return 32 um of tissue, the cell in their middle, and their reflections: as a published crop is seen."""
        size = self._working.size(patch.image)
        side = min(round(ALONE_UM / self._mpp), *size, *extent)
        x, y, tissue = self._cut(patch, (side, side), side / 2, rng)
        pixels = np.pad(tissue, ((0, extent[1] - side), (0, extent[0] - side), (0, 0)), mode="symmetric")
        shown = [
            (cx - x, cy - y, label)
            for cx, cy, label in self._known(patch.image, self._labels)
            if 0 <= cx - x < side and 0 <= cy - y < side
        ]
        return Piece(pixels, *self._echoed(shown, (side, side), (0, 0), extent))

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


def _sample(boxes: np.ndarray, labels: np.ndarray, pixels: Pixels) -> DetDataSample:
    shape = pixels.shape[:2]
    sample = DetDataSample(metainfo={"img_shape": shape, "ori_shape": shape, "scale_factor": (1.0, 1.0)})
    sample.gt_instances = InstanceData(bboxes=torch.from_numpy(boxes), labels=torch.from_numpy(labels))
    return sample
