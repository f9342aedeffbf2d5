"""The run's own checkpoint, from which it resumes: written whole or not at all."""

from pathlib import Path

from mmengine.hooks import Hook

from algorithm.atomic import PART_SUFFIX
from algorithm.errors import OutputError
from training import processes
from training.settings import SettingsError

KEPT = 2  # the last, and the one before it
PATTERN = "iter_*.pth"


class WholeCheckpointHook(Hook):
    """Save every `every` batches and at the end, as plain tensors and values, so that resuming unpickles no code.

    mmengine's own hook writes in place: a run killed while it saves would leave half a file under the name it
    resumes from.
    """

    priority = "VERY_LOW"  # after the averages have moved and what watches has looked

    def __init__(self, *, every: int) -> None:
        self._every = every

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Leave mmengine's message hub out, as its buffers pickle bound methods; note the processes."""
        checkpoint["message_hub"] = {"log_scalars": {}, "runtime_info": {}, "resumed_keys": {}}
        checkpoint["processes"] = processes.count()

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Refuse another number of processes: the batch would be another, and the draws."""
        before = checkpoint.get("processes", 1)
        if before != processes.count():
            raise SettingsError(
                f"{runner.work_dir}: the run began with {before} process(es), this one has {processes.count()}"
            )

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Save when it is time. Raises OutputError, with the checkpoint before untouched."""
        done = batch_idx + 1
        if processes.rank() == 0 and (done % self._every == 0 or done == runner.max_iters):
            save_whole(runner, done)


def save_whole(runner, done: int) -> None:
    """Write iter_<done>.pth, then let go of the ones before the last two."""
    folder = Path(runner.work_dir)
    path = folder / f"iter_{done}.pth"
    part = path.with_name(path.name + PART_SUFFIX)
    try:
        runner.save_checkpoint(str(folder), part.name, by_epoch=False)
        part.replace(path)
    except (OSError, RuntimeError) as error:  # torch tells of a full disk as a RuntimeError
        part.unlink(missing_ok=True)
        before = latest(folder)
        rest = f"{before.name} is whole: make room and --resume" if before else "there is none before it"
        raise OutputError(f"{path}: cannot be written ({_reason(error)}); {rest}") from error
    for old in _in_order(folder)[:-KEPT]:
        old.unlink()


def latest(folder: Path) -> Path | None:
    """Return the checkpoint that a run resumes from."""
    found = _in_order(folder)
    return found[-1] if found else None


def _in_order(folder: Path) -> list[Path]:
    return sorted(folder.glob(PATTERN), key=lambda path: int(path.stem.split("_")[1]))


def _reason(error: OSError | RuntimeError) -> str:
    return getattr(error, "strerror", None) or " ".join(str(error).split())[:120]
