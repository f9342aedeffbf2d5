"""An image of which something cannot be read: that is white, counted and said, and the rest is used."""

import logging
import threading

import numpy as np

from algorithm.errors import ImageError
from algorithm.images.base import Image
from algorithm.images.colour import WHITE
from algorithm.images.resampling import Pixels

log = logging.getLogger(__name__)


class PartialImage(Image):
    """A face of an open image, which stays its owner's to close. Reading never fails; `conclude` says what was lost."""

    def __init__(self, whole: Image) -> None:
        super().__init__(whole.path, size=whole.size, mpp=whole.mpp, label=whole.label, origin_mm=whole.origin_mm)
        self._whole = whole
        self._lock = threading.Lock()
        self._read_windows = 0
        self._lost: list[str] = []  # the reason for each window that could not be read

    def read(self, x: int, y: int, width: int, height: int, *, out: tuple[int, int] | None = None) -> Pixels:
        """Return the window as `Image.read` does, white where it cannot be read."""
        try:
            pixels = self._whole.read(x, y, width, height, out=out)
        except ImageError as error:
            with self._lock:
                self._lost.append(str(error))
            wide, high = out or (width, height)
            return np.full((high, wide, 3), WHITE, np.uint8)
        with self._lock:
            self._read_windows += 1
        return pixels

    def conclude(self) -> int:
        """Return how many windows were lost, and warn of them. Raises ImageError when nothing could be read."""
        if self._lost and not self._read_windows:
            raise ImageError(self._lost[0])
        if self._lost:
            every = self._read_windows + len(self._lost)
            log.warning(
                "WARNING: %d of %d windows of %s could not be read, and nothing was looked for there (%s)",
                len(self._lost),
                every,
                self.path.name,
                self._lost[0],
            )
        return len(self._lost)

    def _window(self, level: int, x: int, y: int, width: int, height: int) -> Pixels:
        return self._whole._window(level, x, y, width, height)

    def _release(self) -> None:
        """Leave the image to its owner."""
