"""Patches: what the network is trained on, cut from images at the working resolution."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData
from torch.utils.data import Dataset

from algorithm.images import Pixels
from training.augment import Augment
from training.augment.pasting import pasted
from training.augment.pieces import Piece, joined, quarters, resized
from training.cutting import Cutter
from training.index import DataError, IndexedImage
from training.places import Kind, Patch, patches_of


class PatchDataset(Dataset):
    """Patches with their boxes, as mmdet takes them; an item's number is (patch, seed) or (patch, seed, size)."""

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
        labels = {"MF": 0, "NMF": 1} if len(classes) > 1 else {"MF": 0}
        self._cutter = Cutter(images, mpp=mpp, box_px=box_px, labels=labels, cache_bytes=cache_bytes)
        self._box_px = box_px
        self._patch_px = patch_px
        self._augment = augment
        self._cumulative: np.ndarray | None = None
        self._grounds: np.ndarray | None = None

    def mix_by(self, probabilities: np.ndarray) -> None:
        """Say how probable each patch is, (n,): for the other three of a mosaic, and for the tissue to paste into."""
        self._cumulative = np.cumsum(probabilities)
        wide = [patch.kind == Kind.ANYWHERE and self._is_wide(patch.image) for patch in self.patches]
        self._grounds = np.cumsum(np.where(wide, probabilities, 0.0))
        if self._augment.pasted_share and not self._grounds[-1]:
            raise DataError(
                f"pasted_share: no image that is drawn from is as large as a patch ({self._patch_px[0]} x "
                f"{self._patch_px[1]} px), to paste cells into; add frames or leave it at 0"
            )

    def __len__(self) -> int:
        return len(self.patches)

    def __getitem__(self, draw: tuple[int, int] | tuple[int, int, tuple[int, int]]) -> dict:
        number, seed, *sized = draw
        size_px = sized[0] if sized else self._patch_px
        rng = np.random.default_rng(seed)
        mosaic = self._augment.draw_mosaic(rng)
        piece = self._mosaic(number, size_px, rng) if mosaic else self._piece(number, size_px, rng)
        pixels, boxes = self._augment(piece.pixels, piece.boxes, rng)
        return {
            "inputs": torch.from_numpy(pixels.transpose(2, 0, 1).copy()),
            "data_samples": _sample(boxes, piece.labels, pixels),
        }

    def _mosaic(self, number: int, size_px: tuple[int, int], rng: np.random.Generator) -> Piece:
        """Return the patch with three more, drawn as the sampler draws them, each cut at its quarter's size."""
        if self._cumulative is None:
            raise ValueError("a mosaic needs the probabilities of the patches: call mix_by first")
        others = _drawn(self._cumulative, rng.random(3))
        places = quarters(size_px, rng)
        cut = [self._piece(n, (w, h), rng) for n, (_, _, w, h) in zip([number, *others], places, strict=True)]
        return joined(places, cut)

    def _piece(self, number: int, size_px: tuple[int, int], rng: np.random.Generator) -> Piece:
        """Return a patch of this size (width, height), cut as much larger or smaller as it is zoomed."""
        patch, factor = self.patches[number], self._augment.draw_zoom(rng)
        extent = round(size_px[0] / factor), round(size_px[1] / factor)
        if self._augment.draw_isolated(rng):
            piece = self._cutter.alone(patch, extent, rng)
        elif self._augment.draw_pasted(rng):
            piece = self._pasted(patch, extent, rng)
        else:
            piece = self._cutter.piece(patch, extent, self._box_px / factor, rng)
        return resized(piece, size_px)

    def _pasted(self, patch: Patch, extent: tuple[int, int], rng: np.random.Generator) -> Piece:
        """Return a cell cut out and pasted anywhere into tissue that is drawn as patches from anywhere are."""
        if self._grounds is None:
            raise ValueError("pasting needs the probabilities of the patches: call mix_by first")
        ground = self.patches[_drawn(self._grounds, rng.random())]
        tissue = self._cutter.piece(ground, extent, self._box_px, rng)
        cell = self._cutter.cut_out(patch, extent, rng)
        side = cell.pixels.shape[0]
        corner = int(rng.integers(extent[0] - side + 1)), int(rng.integers(extent[1] - side + 1))
        return pasted(tissue, cell, corner)

    def _is_wide(self, number: int) -> bool:
        """Return whether an image is as large as a patch, so that none of it is a reflection."""
        width, height = self._cutter.size(number)
        return width >= self._patch_px[0] and height >= self._patch_px[1]


def _drawn(cumulative: np.ndarray, at: float | np.ndarray) -> Any:
    """Return the number(s) drawn by numbers in [0, 1) from chances that were summed up, to whatever sum."""
    return np.minimum(np.searchsorted(cumulative, at * cumulative[-1], side="right"), len(cumulative) - 1)


def _sample(boxes: np.ndarray, labels: np.ndarray, pixels: Pixels) -> DetDataSample:
    shape = pixels.shape[:2]
    sample = DetDataSample(metainfo={"img_shape": shape, "ori_shape": shape, "scale_factor": (1.0, 1.0)})
    sample.gt_instances = InstanceData(bboxes=torch.from_numpy(boxes), labels=torch.from_numpy(labels))
    return sample


def collated(patches: Sequence[dict]) -> dict:
    """Return a batch of patches, inputs (n, 3, height, width) uint8: one tensor to hand over instead of many."""
    return {
        "inputs": torch.stack([patch["inputs"] for patch in patches]),
        "data_samples": [patch["data_samples"] for patch in patches],
    }
