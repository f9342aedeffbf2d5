from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from algorithm.frames import Mpp
from training.index import Annotation, IndexedImage


@pytest.fixture
def entry() -> Callable[..., IndexedImage]:
    """Return a function that makes an entry of an index without any picture."""

    def made(
        slide: str,
        figures: Sequence[tuple[float, float]] = (),
        imposters: Sequence[tuple[float, float]] = (),
        *,
        dataset: str = "set",
        name: str = "",
        mpp: float | None = 0.25,
        **more: object,
    ) -> IndexedImage:
        cells = [Annotation(*xy, "MF") for xy in figures] + [Annotation(*xy, "NMF") for xy in imposters]
        scale = None if mpp is None else Mpp(mpp, mpp)
        return IndexedImage(dataset, slide, Path(f"{name or slide}.png"), (1000, 2000), scale, tuple(cells), **more)

    return made
