"""What ran, with what, how long: the record of one image."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from algorithm import __version__


@dataclass
class RunRecord:
    """Filled while an image is worked on. seconds: by stage; `detect` is from reading the first tile to Detections.

    passes: members x views over all tiles that were made; passes_given_up: those that there was no time for.
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
    version: str = __version__
    tiles: int = 0
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
