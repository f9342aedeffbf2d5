"""Decoded tiles and strips, kept for as long as they fit."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future

from algorithm.images.resampling import Pixels

# A row of 3967 px windows over an image 13466 px wide touches 160 MB of strips: each is decoded once a row.
CACHE_BYTES = 200_000_000

Key = tuple[int, int]  # level, segment


class SegmentCache:
    """Drops what was used longest ago. Safe from several threads; each segment is decoded by one of them."""

    def __init__(self, budget_bytes: int = CACHE_BYTES) -> None:
        self._budget_bytes = budget_bytes
        self._held_bytes = 0
        self._entries: OrderedDict[Key, Future[Pixels]] = OrderedDict()
        self._lock = threading.Lock()

    def holds(self, key: Key) -> bool:
        """Say whether the segment is here or on its way."""
        with self._lock:
            return key in self._entries

    def get(self, key: Key, decode: Callable[[], Pixels]) -> Pixels:
        """Return the segment, decoded now if it is not here. What decode raises reaches all who wait."""
        with self._lock:
            entry = self._entries.get(key)
            mine = entry is None
            if entry is None:
                entry = self._entries[key] = Future()
            self._entries.move_to_end(key)
        if mine:
            self._fill(key, entry, decode)
        return entry.result()

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self._held_bytes = 0

    def _fill(self, key: Key, entry: Future[Pixels], decode: Callable[[], Pixels]) -> None:
        try:
            pixels = decode()
        except BaseException as error:  # handed on by result(), to this thread and to those that wait
            with self._lock:
                self._entries.pop(key, None)
            entry.set_exception(error)
            return
        with self._lock:
            if self._entries.get(key) is entry:
                self._held_bytes += pixels.nbytes
            entry.set_result(pixels)
            self._shrink()

    def _shrink(self) -> None:
        """Drop the oldest until the rest fits; what is still being decoded stays."""
        for key in list(self._entries) if self._held_bytes > self._budget_bytes else ():
            if self._held_bytes <= self._budget_bytes:
                return
            if self._entries[key].done():
                self._held_bytes -= self._entries.pop(key).result().nbytes
