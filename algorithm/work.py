"""One image under way: who is asked before each tile or sheet, and told when it is done."""

from collections.abc import Callable

from algorithm.budget import Budget
from algorithm.record import RunRecord

Progress = Callable[[int, int], None]  # tiles and sheets done, and how many are known of


class Work:
    """Keeps the record of an image; asks the budget, and tells it and the caller how far it is."""

    def __init__(self, record: RunRecord, budget: Budget | None, progress: Progress | None) -> None:
        self.record = record
        self._budget, self._progress = budget, progress
        self._done = self._all = 0
        self.allowed = budget.allowed if budget else None

    def begin(self, what: str, number: int, *, members: int, views: int) -> None:
        """Say how many tiles or sheets come, and how many passes each is meant to get."""
        self._all += number
        self.record.passes_given_up += number * members * views  # until they are made
        if self._budget:
            self._budget.begin(what, number, members=members, views=views)

    def done(self, passes: int) -> None:
        """Count one tile or sheet and its passes."""
        self._done += 1
        self.record.passes += passes
        self.record.passes_given_up -= passes
        if self._budget:
            self._budget.done(passes)
        if self._progress:
            self._progress(self._done, self._all)
