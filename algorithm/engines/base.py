"""What every engine is: tiles in, boxes and scores out, asynchronously and in order."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from algorithm.images import Pixels


@dataclass(frozen=True)
class Raw:
    """What a network said of N tiles. boxes: (N, K, 4) float32 x1 y1 x2 y2, tile px.

    scores: (N, K) float32 in [0, 1] of the class mitotic figure, from high to low, 0 below the bundle's floor.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]


class Engine(ABC):
    """One network on one device.

    `submit` hands tiles over and returns at once while fewer than `depth` are under way; `result` waits for
    the oldest that was submitted. name, device and precision are for the log and the record. queued: whether it
    may have work under way beside other engines; on a CPU they would take each other's cores.
    """

    name: str
    device: str
    precision: str
    tile_px: int
    depth: int = 2
    queued: bool = False

    @abstractmethod
    def submit(self, tiles: Pixels) -> None:
        """Begin work on tiles (N, tile_px, tile_px, 3) uint8 RGB. They must not be changed before the result."""

    @abstractmethod
    def result(self) -> Raw:
        """Return the oldest result, in the order of submission. Raises EngineError when the device fails."""

    def infer(self, tiles: Pixels) -> Raw:
        """Submit and wait; nothing else may be under way."""
        self.submit(tiles)
        return self.result()

    def smaller(self) -> "Engine | None":
        """Return an engine that takes this one's place with less memory, or None; this one is of no use any more."""
        self.close()
        return None

    def close(self) -> None:
        """Give back what the device holds for it; nothing is asked of it any more."""
        return None
