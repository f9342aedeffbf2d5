"""Whether a network still says what it said before it was exported or compiled, on real tiles."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from algorithm.engines.base import Engine, Raw
from algorithm.errors import BundleError
from algorithm.images import Pixels, open_image

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


def difference(engine: Engine, tiles: Sequence[Pixels], expected: Sequence[Raw], *, score_floor: float) -> Difference:
    """Return how far an engine is from the reference.

    Engines that keep fewer boxes are compared in those. Scores are compared by rank: if no score moved by more than e,
    then no ranked score did either. What lies below the floor counts as the floor, as a score that crosses it by a hair
    becomes 0. A box is compared with the nearest box of the other side, as equal scores may change places.
    """
    score, box = 0.0, 0.0
    for found, wanted in zip(answers(engine, tiles), expected, strict=True):
        kept = min(found.scores.shape[1], wanted.scores.shape[1])
        ranked = np.maximum(found.scores, score_floor)[:, :kept] - np.maximum(wanted.scores, score_floor)[:, :kept]
        score = float(np.maximum(score, np.abs(ranked).max()))  # unlike max() it keeps NaN
        # what stands near the end of a full list may be missing in the other one
        least = max(SURE, float(found.scores.min()) + FP16_LIMIT)
        for sure in wanted.boxes[wanted.scores >= least]:
            box = float(np.maximum(box, np.abs(found.boxes[0] - sure).max(axis=1).min()))
    return Difference(score, box)


def answers(engine: Engine, tiles: Sequence[Pixels]) -> Iterator[Raw]:
    """Yield what an engine says of each tile, as many under way as it takes: batches are full, as in use."""
    waiting = 0
    for tile in tiles:
        if waiting == engine.depth:
            yield engine.result()
            waiting -= 1
        engine.submit(tile[None])
        waiting += 1
    for _ in range(waiting):
        yield engine.result()


def accept(what: str, found: Difference, limit: float, *, reference: str = "torch") -> None:
    """Raise BundleError, saying by how much, when an export differs too much."""
    if not (found.score <= limit and found.box_px <= BOX_LIMIT_PX):
        raise BundleError(
            f"{what}: scores differ from {reference} by {found.score:.2e} (limit {limit:.0e}), "
            f"boxes by {found.box_px:.2f} px (limit {BOX_LIMIT_PX}); the export is not accepted"
        )
