"""Slides and configs for experiments that take seconds."""

from collections.abc import Callable, Sequence
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


@pytest.fixture(scope="session")
def write_config(configs, thin_network) -> Callable[[Path, Path, Sequence[str]], Path]:
    """Return a function that writes a config of three iterations over a data set."""

    def written(path: Path, data: Path, held_back: Sequence[str]) -> Path:
        path.write_text(
            f"""
_base_ = ["{configs / "cpu_half.py"}"]
{thin_network}
patch_px = (64, 64)
iterations = 3
ema_momentums = [5e-3, 1e-3]
save_every = 2
watch_every = 1000
validation_patches = 2
batch = 2
warmup = dict(iterations=1, start=1e-5)
workers = 0
data = ["{data}"]
held_back = {list(held_back)}
"""
        )
        return path

    return written
