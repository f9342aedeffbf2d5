"""mmengine's loop and optimiser, where a run must not lose itself: exact resume, no step with broken gradients."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import LOOPS, OPTIM_WRAPPERS
from mmengine.runner import IterBasedTrainLoop

from algorithm.errors import MitosisError
from training.precision import autocast


class DivergedError(MitosisError):
    """The losses or gradients are no numbers any more."""

    exit_code = 4


@OPTIM_WRAPPERS.register_module()
class AutocastOptimWrapper(OptimWrapper):
    """The device's own precision; mmengine's AmpOptimWrapper refuses CPUs."""

    def __init__(self, *, device: str, **named: Any) -> None:
        super().__init__(**named)
        self._device = device

    @contextmanager
    def optim_context(self, model: torch.nn.Module) -> Iterator[None]:
        """Run the forward pass in bf16 where that is faster."""
        with super().optim_context(model), autocast(self._device):
            yield

    def _clip_grad(self) -> None:
        """Clip, and stop before the step where a gradient is no number: one step would end all weights."""
        try:
            super()._clip_grad()
        except RuntimeError as error:  # of clip_grad_norm_ with error_if_nonfinite
            if "non-finite" not in str(error):
                raise
            raise FloatingPointError("the gradients are not finite") from error


@LOOPS.register_module()
class ResumingTrainLoop(IterBasedTrainLoop):
    """mmengine's loop, but a resumed run skips draws instead of cutting every patch again to throw it away."""

    def run(self) -> torch.nn.Module:
        """Train from the current iteration to the last."""
        drawn = self.dataloader.batch_sampler
        drawn.sampler.skip(self._iter * drawn.batch_size)
        self.runner.call_hook("before_train")
        self.runner.call_hook("before_train_epoch")
        self.runner.model.train()
        batches = iter(self.dataloader)
        while self._iter < self._max_iters:
            self.run_iter(next(batches))
        self.runner.call_hook("after_train_epoch")
        self.runner.call_hook("after_train")
        return self.runner.model

    def run_iter(self, data_batch: dict) -> None:
        """Train on one batch. Raises DivergedError; weights, averages and checkpoints are then as before it."""
        try:
            super().run_iter(data_batch)
        except FloatingPointError as error:
            rate = self.runner.optim_wrapper.get_lr()["lr"][0]
            raise DivergedError(
                f"{self.runner.work_dir}: batch {self._iter + 1}: {error} at learning rate {rate:.2e}; nothing was "
                "overwritten. Begin again with a lower learning_rate or clip_gradient, or --resume to try the "
                "last checkpoint once more"
            ) from error
