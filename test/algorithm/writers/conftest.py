"""Detections made by hand."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from algorithm.detections import Detections
from algorithm.frames import Mpp
from algorithm.record import RunRecord


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


@pytest.fixture
def record() -> RunRecord:
    """What a run on a drawn image leaves."""
    facts = {"image": "a.tif", "image_label": "drawn", "bundle": "tiny 1.0", "bundle_hash": "0" * 64}
    made_of = {"engine": "fake on nowhere", "precision": "exact", "members": 2, "views": [0, 3]}
    return RunRecord(**facts, **made_of, tiles=6, crowded_passes=1, seconds={"detect": 1.23456})
