"""Time for an image, and what is given up to keep to it: views, then members, then tiles or sheets.

The one exception to same input, same bytes; it is said in the log and in the record.
"""

import logging
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

SETTLED = 0.05  # part of the budget in which nothing is given up: first tiles and sheets wait for caches and clocks


class Budget:
    """Asked before each tile (or sheet of candidates) how many members and views it gets; told of each that is done.

    What was given up stays given up. seconds: from here on; clock: a monotonic one, for tests.
    """

    def __init__(self, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._began = clock()
        self._members = self._views = self._tiles_left = self._before = 0
        self._passes = 0
        self._what = "tile"
        self._most = float("inf")  # members that are left of those that were given up

    def begin(self, what: str, number: int, *, members: int, views: int, before: int = 0) -> None:
        """Say what the work is from here on: so many tiles or sheets.

        An image read and a model loaded before count against the time, and so does what was begun before. Members
        that were given up are not taken up again: the last ones, counted with those `before` these.
        """
        self._what, self._tiles_left, self._before = what, number, before
        self._members, self._views = max(0, int(min(members, self._most - before))), views
        self._passes, self._since = 0, self._clock()

    def done(self, passes: int) -> None:
        """Count the passes of a tile that is done."""
        self._passes += passes

    def allowed(self) -> tuple[int, int]:
        """Return (members, views) for the next tile; (0, 0) when the time is up."""
        now = self._clock()
        left = self.seconds - (now - self._began)
        tiles, self._tiles_left = self._tiles_left, self._tiles_left - 1
        if left <= 0:
            self._give_up(0, 0, f"{tiles} {self._what}(s) are not looked at")
        elif self._passes and now - self._since >= SETTLED * self.seconds:
            affordable = left / ((now - self._since) / self._passes) / tiles
            while self._members * self._views > max(1.0, affordable):
                self._one_less()
        return (self._members, self._views) if self._members else (0, 0)

    def _one_less(self) -> None:
        if self._views > 1:
            self._give_up(self._members, self._views - 1, "fewer views")
        else:
            self._give_up(self._members - 1, 1, "fewer members")

    def _give_up(self, members: int, views: int, what: str) -> None:
        if (members, views) != (self._members, self._views):
            log.warning(
                "WARNING: %.0f s are too short: %s; from here on %d member(s), %d view(s)",
                self.seconds,
                what,
                self._before + members,
                views,
            )
        if members < self._members:
            self._most = self._before + members
        self._members, self._views = members, views
