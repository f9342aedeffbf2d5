"""Watching the averages on slides that are held back: loss, F1 and AP in a CSV, and each one's best checkpoints."""

import csv
from collections.abc import Sequence
from pathlib import Path

from mmengine.hooks import Hook

from training import processes
from training.evaluation.checkpoint import detector_of
from training.evaluation.predictions import Predicted, predict
from training.evaluation.scores import CURVE_THRESHOLDS, average_precision, f1_curve
from training.hooks.ema import MultiEmaHook, ema_path
from training.hooks.progress import append_row, drop_rows_after
from training.index import IndexedImage
from training.settings import Settings
from training.validation import ValidationLoss

LOG_NAME = "held_back.csv"
LOWEST_LOSS, BEST_F1 = "lowest-loss", "best-f1"


class WatchHook(Hook):
    """Score each average every `watch_every` iterations, and at the end; keep it where it is its best so far.

    latest: the predictions of the last look, by momentum.
    """

    priority = "LOW"

    def __init__(self, averages: MultiEmaHook, images: Sequence[IndexedImage], settings: Settings) -> None:
        self._ema = averages
        self._images = images
        self._settings = settings
        self._loss = ValidationLoss(images, settings)
        self.latest: dict[float, list[Predicted]] = {}

    def before_train(self, runner) -> None:
        """Forget what was logged after the checkpoint that a resumed run goes on from."""
        if processes.rank() == 0:
            drop_rows_after(Path(runner.work_dir) / LOG_NAME, runner.iter // self._settings.accumulate)

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Score when it is time."""
        done, rest = divmod(batch_idx + 1, self._settings.accumulate)
        due = done % self._settings.watch_every == 0 or done == self._settings.iterations
        if rest == 0 and due and processes.rank() == 0:
            for momentum in self._ema.averages:
                self._look(Path(runner.work_dir), done, momentum)

    def _look(self, folder: Path, done: int, momentum: float) -> None:
        network = self._ema.averages[momentum].module
        predicted = self.latest[momentum] = predict(self._images, detector_of([network], self._settings))
        curve = f1_curve(predicted)
        best = int(curve.argmax())
        row = {
            "iteration": done,
            "ema": momentum,
            "loss": self._loss(network),
            "f1": float(curve[best]),
            "at_score": CURVE_THRESHOLDS[best],
            "ap": average_precision(predicted),
        }
        before = [float_row for float_row in read_log(folder / LOG_NAME) if float_row["ema"] == momentum]
        if all(row["loss"] < other["loss"] for other in before):
            self._ema.save(ema_path(folder, momentum, LOWEST_LOSS), momentum, chosen_at=done, chosen_loss=row["loss"])
        if all(row["f1"] > other["f1"] for other in before):
            self._ema.save(ema_path(folder, momentum, BEST_F1), momentum, chosen_at=done, chosen_f1=row["f1"])
        append_row(folder / LOG_NAME, row)  # last: a run killed before it looks again
        print(
            f"{done:>6}  held back, EMA {momentum:g}: loss {row['loss']:.4f}, best F1 {row['f1']:.3f} "
            f"at score {row['at_score']:.2f}, AP {row['ap']:.3f}",
            flush=True,
        )


def read_log(path: Path) -> list[dict[str, float]]:
    """Return the rows of a CSV of numbers; none where there is no file yet."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
