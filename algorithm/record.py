"""What ran, with what, how long: the record of one image."""

import importlib.metadata
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar

from algorithm import __version__

LIBRARIES = (
    *("numpy", "openvino", "onnxruntime", "onnxruntime-gpu", "tensorrt-cu12", "opencv-python-headless"),
    *("tifffile", "imagecodecs", "pillow", "simpleitk", "openslide-bin"),
)
T = TypeVar("T")


@cache
def library_versions() -> tuple[tuple[str, str], ...]:
    """Return (name, version) of Python and of each library that reads or computes and is installed."""
    found = [("python", platform.python_version())]
    for name in LIBRARIES:
        with suppress(importlib.metadata.PackageNotFoundError):
            found.append((name, importlib.metadata.version(name)))
    return tuple(found)


@dataclass
class RunRecord:
    """Filled while an image is worked on.

    seconds: by stage; `detect` is from reading the first tile to Detections, and of it `pixels` is waiting for tiles
    and cells to be read, `fusion` joining what was seen; most of the rest is waiting for the engine.
    settings: what the bundle, the options and the machine came to. versions: of Python and of what computes.

    tiles, sheets: that were looked at; sheets show candidates again, where the ensemble is `screen`.
    passes: of members and views over tiles and sheets; passes_given_up: those that there was no time for.
    engine: what ended the image; engine_failures: what failed before, if anything.
    """

    image: str
    image_label: str
    bundle: str
    bundle_hash: str
    engine: str
    precision: str
    members: int
    views: list[int]
    settings: dict[str, Any] = field(default_factory=dict)
    version: str = __version__
    versions: dict[str, str] = field(default_factory=lambda: dict(library_versions()))
    tiles: int = 0
    sheets: int = 0
    passes: int = 0
    passes_given_up: int = 0
    crowded_passes: int = 0
    engine_failures: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time of a block to a stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

    def timed(self, name: str, items: Iterator[T]) -> Iterator[T]:
        """Yield the items; the time until each is there counts as a stage."""
        while True:
            with self.stage(name):
                try:
                    item = next(items)
                except StopIteration:
                    return
            yield item
