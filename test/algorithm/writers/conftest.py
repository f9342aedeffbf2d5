"""Detections made by hand."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from algorithm.detections import Detections
from algorithm.frames import Mpp


def made(
    rows: Sequence[tuple[float, float, float]],
    *,
    mpp: Mpp = Mpp(0.5, 0.5),  # noqa: B008 - a tuple
    size: tuple[int, int] = (4000, 2000),
    threshold: float = 0.5,
) -> Detections:
    """Return detections at (x px, y px, probability)."""
    table = np.array(rows, np.float64).reshape(-1, 3)
    xy, probability = np.ascontiguousarray(table[:, :2]), table[:, 2].astype(np.float32)
    box = np.hstack([xy - 16, xy + 16]).astype(np.float32)
    facts = {"image": "a.tif", "size": size, "mpp": mpp, "threshold": threshold}
    facts |= {"bundle": "tiny 1.0", "bundle_hash": "0" * 64}
    return Detections(xy=xy, probability=probability, score=probability / 2, box=box, **facts)


@pytest.fixture(scope="session")
def detections_of() -> Callable[..., Detections]:
    return made
