"""The result: one frozen object that every writer takes."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from algorithm.frames import Boxes, Mpp, Points, area_mm2


@dataclass(frozen=True)
class Detections:
    """What was found in one image: n places, sorted by probability, then y, then x. Arrays are read-only.

    xy: (n, 2) float64 image px, centre of the box. probability: (n,) float32 calibrated, in [0, 1].
    score: (n,) float32 raw. box: (n, 4) float32 image px. size: (width, height) px. mpp: um/px that was used.
    threshold: figures are the detections from this probability on; the others are candidates.
    """

    xy: Points
    probability: NDArray[np.float32]
    score: NDArray[np.float32]
    box: Boxes
    image: str
    size: tuple[int, int]
    mpp: Mpp
    threshold: float
    bundle: str
    bundle_hash: str

    def __post_init__(self) -> None:
        n = len(self.xy)
        shapes = {"xy": (n, 2), "probability": (n,), "score": (n,), "box": (n, 4)}
        types = {"xy": np.float64, "probability": np.float32, "score": np.float32, "box": np.float32}
        for field, shape in shapes.items():
            array = getattr(self, field)
            if array.shape != shape or array.dtype != types[field]:
                found = f"{array.dtype}{list(array.shape)}"
                raise ValueError(f"Detections.{field}: {types[field].__name__}{list(shape)} expected, got {found}")
            if not np.isfinite(array).all():
                raise ValueError(f"Detections.{field}: holds NaN or infinity")
            array.setflags(write=False)
        for field in ("probability", "score"):
            array = getattr(self, field)
            if n and (array.min() < 0 or array.max() > 1):
                raise ValueError(f"Detections.{field}: outside of [0, 1]")

    def __len__(self) -> int:
        return len(self.xy)

    @property
    def is_figure(self) -> NDArray[np.bool_]:
        """Return (n,) which detections are figures."""
        return self.probability >= np.float32(self.threshold)

    @property
    def figures(self) -> Self:
        """Return the detections at or above the decision threshold."""
        return self.chosen(self.is_figure)

    @property
    def candidates(self) -> Self:
        """Return the detections below the decision threshold."""
        return self.chosen(~self.is_figure)

    @property
    def area_mm2(self) -> float:
        """Return the area of the image, mm2."""
        return area_mm2(self.size, self.mpp)

    def chosen(self, which: NDArray[np.bool_]) -> Self:
        """Return some of the detections, in the same order."""
        return replace(
            self, xy=self.xy[which], probability=self.probability[which], score=self.score[which], box=self.box[which]
        )
