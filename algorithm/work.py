"""One image under way: who is asked before each tile or sheet, and told when it is done."""

from collections.abc import Callable
from typing import Literal

from algorithm.budget import Budget
from algorithm.record import RunRecord

Progress = Callable[[int, int], None]  # tiles and sheets done, and how many are known of


class Work:
    """Keeps the record of an image; asks the budget, and tells it and the caller how far it is."""

    def __init__(self, record: RunRecord, budget: Budget | None, progress: Progress | None) -> None:
        self.record = record
        self._budget, self._progress = budget, progress
        self._done = self._all = self._left = 0
        self._members = self._views = 0

    def begin(self, what: Literal["tile", "sheet"], number: int, *, members: int, views: int, before: int = 0) -> None:
        """Say how many tiles or sheets come, and how many members and views each is meant for.

        before: members that come before these and do not look at them.
        """
        self._all, self._left = self._done + number, number
        self._members, self._views = members, views
        if self._budget:
            self._budget.begin(what, number, members=members, views=views, before=before)

    def allowed(self) -> tuple[int, int]:
        """Return how many members and views the next tile or sheet gets; (0, 0) when the time is up."""
        if not self._budget:
            return self._members, self._views
        members, views = self._budget.allowed()
        meant, granted = self._members * self._views, members * views
        # where nothing is granted nobody asks again for those that are left
        self.record.passes_given_up += meant - granted if granted else meant * self._left
        self._left -= 1
        return members, views

    def done(self, passes: int) -> None:
        """Count one tile or sheet and its passes."""
        self._done += 1
        self.record.passes += passes
        if self._budget:
            self._budget.done(passes)
        if self._progress:
            self._progress(self._done, self._all)
