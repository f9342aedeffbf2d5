"""A run to look at: curves.png and samples.png in its folder, drawn anew at each look at what is held back."""

from collections.abc import Sequence
from pathlib import Path

from mmengine.hooks import Hook

from algorithm.atomic import write_bytes
from algorithm.errors import MitosisError
from training import processes
from training.evaluation.curves import curves
from training.evaluation.samples import samples
from training.evaluation.scores import CURVE_THRESHOLDS, f1_curve
from training.hooks import progress, watch
from training.hooks.watch import WatchHook, read_log
from training.index import IndexedImage
from training.settings import Settings

CURVES_NAME, SAMPLES_NAME = "curves.png", "samples.png"


class PicturesHook(Hook):
    """Draw after WatchHook has looked, and after the checkpoint is safe: it stands last among the hooks."""

    priority = "VERY_LOW"

    def __init__(self, watching: WatchHook | None, held_back: Sequence[IndexedImage], settings: Settings) -> None:
        self._watching = watching
        self._held_back = held_back
        self._settings = settings

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Draw when it is time. What cannot be drawn is said; a run does not end for a picture."""
        done, rest = divmod(batch_idx + 1, self._settings.accumulate)
        due = done % self._settings.watch_every == 0 or done == self._settings.iterations
        if rest or not due or processes.rank():
            return
        folder = Path(runner.work_dir)
        try:
            drawn = curves(read_log(folder / progress.LOG_NAME), read_log(folder / watch.LOG_NAME))
            write_bytes(folder / CURVES_NAME, drawn)
            if self._watching is not None and self._watching.latest:
                write_bytes(folder / SAMPLES_NAME, self._samples(done))
        except (OSError, MitosisError) as error:
            print(f"{done:>6}  no pictures: {error}", flush=True)

    def _samples(self, done: int) -> bytes:
        """Show the average with the best F1, at the threshold where it has it."""
        by_momentum = {momentum: f1_curve(predicted) for momentum, predicted in self._watching.latest.items()}
        momentum = max(by_momentum, key=lambda one: by_momentum[one].max())
        curve = by_momentum[momentum]
        threshold = float(CURVE_THRESHOLDS[curve.argmax()])
        title = f"iteration {done}, EMA {momentum:g}: F1 {curve.max():.3f} at score {threshold:.2f}"
        return samples(self._held_back, self._watching.latest[momentum], threshold=threshold, title=title)
