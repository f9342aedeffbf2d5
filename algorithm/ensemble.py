"""Which passes a tile (or a sheet of candidates) gets. `full`: every member on every view of it."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from algorithm import views
from algorithm.engines import Engine
from algorithm.frames import Boxes
from algorithm.images import Pixels

Key = TypeVar("Key")


@dataclass(frozen=True)
class Pass:
    """What one member saw in one view of a tile: boxes (k, 4) float32 in px of the unturned tile, scores (k,).

    cut_at: the score below which the network's list of top K had no room left; 0 when it had.
    """

    boxes: Boxes
    scores: np.ndarray[tuple[int], np.dtype[np.float32]]
    cut_at: float


@dataclass(frozen=True)
class Seen(Generic[Key]):
    """All passes over one tile."""

    key: Key
    passes: list[Pass]


def full(
    tiles: Iterable[tuple[Key, Pixels]],
    *,
    engines: Sequence[Engine],
    chosen_views: Sequence[int],
    allowed: Callable[[], tuple[int, int]] | None = None,
) -> Generator[Seen[Key], None, None]:
    """Yield what every engine saw in every view of each tile, in the order of the tiles.

    tiles: (key, pixels (tile_px, tile_px, 3) uint8). No more than the engines' depth is ever under way: of each
    on a GPU, of all together on a CPU.
    allowed: asked before each tile how many of the engines and views it gets, the first ones; (0, 0) ends it.
    """
    waiting: deque[tuple[Key, Engine, int, bool]] = deque()
    passes: list[Pass] = []

    def oldest() -> Iterator[Seen[Key]]:
        nonlocal passes
        key, engine, view, last = waiting.popleft()
        passes.append(_pass(engine, view))
        if last:
            yield Seen(key, passes)
            passes = []

    try:
        for key, pixels in tiles:
            members, turns = allowed() if allowed else (len(engines), len(chosen_views))
            plan = [(engine, view) for view in chosen_views[:turns] for engine in engines[:members]]
            if not plan:
                break
            for number, (engine, view) in enumerate(plan):
                while _is_full(engine, [entry[1] for entry in waiting]):
                    yield from oldest()
                engine.submit(views.apply(pixels, view)[None])
                waiting.append((key, engine, view, number == len(plan) - 1))
        while waiting:
            yield from oldest()
    finally:  # a tile that could not be read: the engines go on to the next image with nothing under way
        for _, engine, _, _ in waiting:
            engine.result()


def _is_full(engine: Engine, busy: Sequence[Engine]) -> bool:
    """Return whether an engine takes no tile before one of the busy ones is done."""
    beside = [one for one in busy if one is engine or not (one.queued and engine.queued)]
    return len(beside) >= engine.depth


def _pass(engine: Engine, view: int) -> Pass:
    """Return what an engine saw, turned back."""
    raw = engine.result()
    seen = raw.scores[0] > 0
    boxes = views.invert(raw.boxes[0][seen], view, (engine.tile_px, engine.tile_px))
    return Pass(boxes, raw.scores[0][seen], float(raw.scores[0][-1]))
