"""Several exponential moving averages of the weights at once, each with its own checkpoint."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import torch
from mmengine.hooks import Hook
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from algorithm.errors import OutputError
from training import processes
from training.model import Facts, save_checkpoint


def warming_average(momentum: float) -> Callable[[list[Tensor], list[Tensor], Tensor], None]:
    """Return the rule average += max(momentum, 1 / (1 + step)) * (weights - average), for AveragedModel.

    A plain mean of all steps until it is as slow as the momentum asks for. With the momentum alone, a slow
    average is useless for thousands of steps, because the random weights of the start are still in it.
    """

    @torch.no_grad()
    def update(averages: list[Tensor], weights: list[Tensor], steps: Tensor) -> None:
        if averages[0].is_floating_point():
            torch._foreach_lerp_(averages, weights, max(momentum, 1 / (1 + float(steps))))
        else:  # batch norm counts its batches in integers
            torch._foreach_copy_(averages, weights)

    return update


class MultiEmaHook(Hook):
    """Keep an average for each momentum; write `ema-<momentum>.pth` whenever the run's checkpoint is saved."""

    priority = "NORMAL"

    def __init__(self, momentums: list[float], facts: Facts, *, accumulate: int = 1) -> None:
        self._momentums = momentums
        self._accumulate = accumulate
        self._facts = facts
        self._done = 0
        self.averages: dict[float, AveragedModel] = {}

    def before_run(self, runner) -> None:
        """Begin each average at the weights as they are."""
        for momentum in self._momentums:
            # buffers too: batch norm's statistics must be those of the averaged weights
            rule = warming_average(momentum)
            self.averages[momentum] = AveragedModel(processes.own(runner.model), multi_avg_fn=rule, use_buffers=True)

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        """Move each average towards the weights, when they have changed."""
        self._done = (batch_idx + 1) // self._accumulate
        if (batch_idx + 1) % self._accumulate == 0:
            for average in self.averages.values():
                average.update_parameters(processes.own(runner.model))

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Put the averages into the run's checkpoint, and each one's own file beside it.

        The file says of which iteration it is: while a run looks at what is held back, it is still an earlier one's.
        """
        checkpoint["facts"] = asdict(self._facts)  # whoever begins from it has to know what it has seen
        checkpoint["averages"] = {momentum: average.state_dict() for momentum, average in self.averages.items()}
        for momentum in self.averages:
            self.save(ema_path(Path(runner.work_dir), momentum), momentum, iteration=self._done)

    def save(self, path: Path, momentum: float, **found: float) -> None:
        """Write one average as it is now; found: what it was chosen for, kept with its facts. Raises OutputError."""
        facts = replace(self._facts, training=self._facts.training | found)
        try:
            save_checkpoint(path, self.averages[momentum].module.state_dict(), facts)
        except OutputError as error:
            raise OutputError(f"{error}; make room and --resume") from error

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Go on from stored averages."""
        for momentum, state in checkpoint.get("averages", {}).items():
            self.averages[momentum].load_state_dict(state)


def ema_path(folder: Path, momentum: float, chosen: str = "") -> Path:
    """Return where the checkpoint of one average stands; chosen: by what, if it is not the last."""
    return folder / f"ema-{momentum:g}{'-' if chosen else ''}{chosen}.pth"
