"""Watching the averages on slides that were held back: F1 and AP, in the log and in a CSV."""

from collections.abc import Sequence
from pathlib import Path

from mmengine.hooks import Hook

from training.evaluation.checkpoint import detector_of
from training.evaluation.predictions import predict
from training.evaluation.scores import CURVE_THRESHOLDS, average_precision, f1_curve
from training.hooks.ema import MultiEmaHook
from training.hooks.progress import append_row, drop_rows_after
from training.index import IndexedImage
from training.settings import Settings

LOG_NAME = "held_back.csv"


class WatchHook(Hook):
    """Score each average every `watch_every` iterations, and at the end. Nothing is chosen by it."""

    priority = "LOW"

    def __init__(self, averages: MultiEmaHook, images: Sequence[IndexedImage], settings: Settings) -> None:
        self._ema = averages
        self._images = images
        self._settings = settings

    def before_train(self, runner) -> None:
        """Forget what was logged after the checkpoint that a resumed run goes on from."""
        drop_rows_after(Path(runner.work_dir) / LOG_NAME, runner.iter // self._settings.accumulate)

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Score when it is time."""
        done, rest = divmod(batch_idx + 1, self._settings.accumulate)
        if rest == 0 and (done % self._settings.watch_every == 0 or done == self._settings.iterations):
            for momentum, average in self._ema.averages.items():
                self._score(Path(runner.work_dir), done, momentum, average.module)

    def _score(self, folder: Path, done: int, momentum: float, network) -> None:
        predicted = predict(self._images, detector_of(network, self._settings))
        curve = f1_curve(predicted)
        best = int(curve.argmax())
        row = {
            "iteration": done,
            "ema": momentum,
            "f1": curve[best],
            "at_score": CURVE_THRESHOLDS[best],
            "ap": average_precision(predicted),
        }
        append_row(folder / LOG_NAME, row)
        print(
            f"{done:>6}  held back, EMA {momentum:g}: best F1 {row['f1']:.3f} at score {row['at_score']:.2f}, "
            f"AP {row['ap']:.3f}",
            flush=True,
        )
