"""An engine that goes on where another failed: a GPU that is lost or short of memory must not lose the image."""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from algorithm.engines.base import Engine, Raw
from algorithm.errors import EngineError
from algorithm.images import Pixels

log = logging.getLogger(__name__)


class FallbackEngine(Engine):
    """The first engine for as long as it works; then it with less memory, then those that `later` opens, in order.

    Tiles are kept until their results are there, and given again to whoever takes over, so that none is lost and
    none comes twice. failures: what happened, for the record.
    """

    def __init__(self, first: Engine, later: Iterable[Callable[[], Engine]]) -> None:
        self._later = iter(later)
        self._tiles: deque[Pixels] = deque()  # without a result yet, the oldest first
        self._given = 0  # how many of them the engine has
        self.failures: list[str] = []
        self._use(first)

    def submit(self, tiles: Pixels) -> None:
        """Begin work on tiles, or keep them until the engine that took over has room."""
        self._tiles.append(tiles)
        try:
            self._feed()
        except EngineError as error:
            self._replace(error)

    def result(self) -> Raw:
        """Return the oldest result. Raises EngineError when the last engine failed, too."""
        while True:
            try:
                self._feed()
                raw = self._engine.result()
            except EngineError as error:
                self._replace(error)
                continue
            self._tiles.popleft()
            self._given -= 1
            return raw

    def smaller(self) -> Engine | None:
        """Return the engine itself with less memory: it looks for that on its own."""
        return self._engine.smaller()

    def close(self) -> None:
        """Give back what the engine in use holds."""
        self._engine.close()

    def _feed(self) -> None:
        while self._given < min(len(self._tiles), self._engine.depth):
            self._engine.submit(self._tiles[self._given])
            self._given += 1

    def _replace(self, error: EngineError) -> None:
        """Take the next engine that opens; raises the error when there is none."""
        failed = f"{self.name} on {self.device}: {error}"
        self._given = 0
        for engine in self._next_engines():
            self.failures.append(failed)
            self._use(engine)
            log.warning("WARNING: %s; going on with %s on %s, %s", failed, self.name, self.device, self.precision)
            return
        raise error

    def _next_engines(self) -> Iterator[Engine]:
        less = self._engine.smaller()
        if less is not None:
            yield less
        for open_next in self._later:
            try:
                engine = open_next()
            except EngineError as error:
                log.info("cannot go on with the next engine: %s", error)
                continue
            if engine.tile_px == self.tile_px:
                yield engine

    def _use(self, engine: Engine) -> None:
        self._engine = engine
        self.name, self.device, self.precision = engine.name, engine.device, engine.precision
        self.tile_px, self.depth, self.queued = engine.tile_px, engine.depth, engine.queued
