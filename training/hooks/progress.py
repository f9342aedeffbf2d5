"""One line every so often: where the run is, its losses, its speed and the time left; the same as a CSV."""

import csv
import time
from datetime import timedelta
from pathlib import Path

from mmengine.hooks import Hook

from algorithm.errors import OutputError
from algorithm.writers import PART_SUFFIX
from training import processes

LOG_NAME = "losses.csv"


class ProgressHook(Hook):
    """Print and log means over the last `every` iterations; one is `accumulate` batches."""

    priority = "LOW"

    def __init__(self, *, every: int = 50, accumulate: int = 1) -> None:
        self._every = every * accumulate
        self._accumulate = accumulate
        self._batches = 0
        self._sums: dict[str, float] = {}
        self._since = time.monotonic()

    def before_train(self, runner) -> None:
        """Forget what was logged after the checkpoint that a resumed run goes on from."""
        if processes.rank() == 0:
            drop_rows_after(Path(runner.work_dir) / LOG_NAME, runner.iter // self._accumulate)

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Gather the losses; at the end of an interval print them."""
        for name, value in (outputs or {}).items():
            self._sums[name] = self._sums.get(name, 0.0) + float(value.detach())
        self._batches += 1
        done = batch_idx + 1
        if processes.rank() == 0 and (done % self._every == 0 or done == runner.max_iters):
            self._report(runner, done)

    def _report(self, runner, done: int) -> None:
        seconds = (time.monotonic() - self._since) / self._batches * self._accumulate
        means = {name: total / self._batches for name, total in sorted(self._sums.items())}
        done, total = done // self._accumulate, runner.max_iters // self._accumulate
        rate = runner.optim_wrapper.get_lr()["lr"][0]
        left = timedelta(seconds=round(seconds * (total - done)))
        losses = "  ".join(f"{name} {value:.4f}" for name, value in means.items())
        print(f"{done:>6}/{total}  {losses}  lr {rate:.2e}  {seconds:.2f} s/it  left {left}", flush=True)
        append_row(Path(runner.work_dir) / LOG_NAME, {"iteration": done, "lr": rate, "seconds": seconds, **means})
        self._sums, self._batches, self._since = {}, 0, time.monotonic()


def append_row(path: Path, row: dict[str, float]) -> None:
    """Add a line to a CSV; the first one brings the header. Raises OutputError."""
    try:
        new = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(row))
            if new:
                writer.writeheader()
            writer.writerow({name: f"{value:.6g}" for name, value in row.items()})
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}); make room and --resume") from error


def drop_rows_after(path: Path, iteration: int) -> None:
    """Cut the rows of a CSV with a column `iteration` that come later than this one, and one that was cut short."""
    if not path.exists():
        return
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    part = path.with_name(path.name + PART_SUFFIX)
    part.unlink(missing_ok=True)
    for row in rows:
        if None not in row.values() and int(row["iteration"]) <= iteration:
            append_row(part, {name: float(value) for name, value in row.items()})
    if part.exists():
        part.replace(path)
    else:
        path.unlink()  # every row came later
