"""Slides for experiments."""

from collections.abc import Callable
from pathlib import Path

import pytest

from algorithm.frames import Mpp
from training.index import Annotation, IndexedImage


@pytest.fixture(scope="session")
def listed() -> Callable[..., IndexedImage]:
    """Return a function that makes an image of the index without a picture: so many figures, so many imposters."""

    def made(dataset: str, slide: str, figures: int = 1, imposters: int = 0, **facts: str) -> IndexedImage:
        labels = ["MF"] * figures + ["NMF"] * imposters
        cells = tuple(Annotation(20.0 + 30 * n, 50.0, label) for n, label in enumerate(labels))
        name = facts.pop("name", f"{dataset}-{slide}.tif")
        return IndexedImage(dataset, slide, Path(name), (4000, 100), Mpp(0.25, 0.25), cells, **facts)

    return made
