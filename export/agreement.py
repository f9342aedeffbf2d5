"""Whether an exported network still says what the checkpoint said, on real tiles."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from algorithm.engines.base import Engine, Raw
from algorithm.errors import BundleError
from algorithm.images import Pixels, open_image
from training.model import TileNetwork

FP32_LIMIT, FP16_LIMIT = 1e-3, 1e-2  # largest difference of a score that is accepted
BOX_LIMIT_PX = 0.5
SURE = 0.1  # scores from which on a box's place matters


@dataclass(frozen=True)
class Difference:
    """The largest differences over all tiles: of scores, and of boxes in tile px."""

    score: float
    box_px: float


def tiles_of(paths: Sequence[Path], *, tile_px: int, mpp: float) -> list[Pixels]:
    """Return the middle of each image as a tile (tile_px, tile_px, 3) at mpp um/px; without a scale, as it is."""
    tiles = []
    for path in paths:
        with open_image(path) as image:
            factor = mpp / image.mpp.x if image.mpp else 1.0
            side = round(tile_px * factor)
            x, y = (image.size[0] - side) // 2, (image.size[1] - side) // 2
            tiles.append(image.read(x, y, side, side, out=(tile_px, tile_px)))
    return tiles


def reference(network: TileNetwork, tiles: Sequence[Pixels]) -> list[Raw]:
    """Return what the network says in torch, fp32."""
    results = []
    with torch.inference_mode():
        for tile in tiles:
            boxes, scores = network.eval()(torch.from_numpy(tile[None]))
            results.append(Raw(boxes.numpy(), scores.numpy()))
    if not any(result.scores.any() for result in results):
        raise BundleError(
            "the network reports nothing on any tile, so nothing can be compared; name others with --tiles"
        )
    return results


def difference(engine: Engine, tiles: Sequence[Pixels], expected: Sequence[Raw], *, score_floor: float) -> Difference:
    """Return how far an engine is from the reference.

    Scores are compared by rank: if no score moved by more than e, then no ranked score did either. What lies below
    the floor counts as the floor, as a score that crosses it by a hair becomes 0. A box is compared with the
    nearest box of the other side, as equal scores may change places.
    """
    score, box = 0.0, 0.0
    for tile, wanted in zip(tiles, expected, strict=True):
        found = engine.infer(tile[None])
        ranked = np.maximum(found.scores, score_floor) - np.maximum(wanted.scores, score_floor)
        score = float(np.maximum(score, np.abs(ranked).max()))  # unlike max() it keeps NaN
        # what stands near the end of a full list may be missing in the other one
        least = max(SURE, float(found.scores.min()) + FP16_LIMIT)
        for sure in wanted.boxes[wanted.scores >= least]:
            box = float(np.maximum(box, np.abs(found.boxes[0] - sure).max(axis=1).min()))
    return Difference(score, box)


def accept(what: str, found: Difference, limit: float) -> None:
    """Raise BundleError, saying by how much, when an export differs too much."""
    if not (found.score <= limit and found.box_px <= BOX_LIMIT_PX):
        raise BundleError(
            f"{what}: scores differ from torch by {found.score:.2e} (limit {limit:.0e}), "
            f"boxes by {found.box_px:.2f} px (limit {BOX_LIMIT_PX}); the export is not accepted"
        )
