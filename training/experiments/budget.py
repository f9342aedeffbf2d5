"""How many iterations fit into so many minutes here: measured, as no two machines and no two configs are alike."""

import statistics
import time
from collections.abc import Sequence

import torch

from training import processes
from training.index import IndexedImage
from training.loop import AutocastOptimWrapper
from training.runner import make_loader, make_network
from training.settings import Settings, SettingsError

PROBE, SETTLING = 16, 4  # steps tried, and those of them that only warm up
BESIDE = 1.15  # averages, loading and what is watched, on top of the steps


def iterations_within(minutes: float, settings: Settings, images: Sequence[IndexedImage]) -> int:
    """Return how many iterations of this config train in the minutes, by a few steps on a batch of each size.

    Raises SettingsError when no more fit than the warm-up has, and under torchrun: each process would measure
    another number.
    """
    if processes.launched() > 1:
        raise SettingsError("minutes cannot be given to several processes; --set iterations=... instead")
    network = make_network(settings).to(processes.device())
    optimizer = torch.optim.AdamW(network.parameters(), lr=settings.warmup.start, fused=True)
    wrapper = AutocastOptimWrapper(device=processes.device(), optimizer=optimizer)
    step = 0.0
    for part, patch_px in settings.patch_parts():
        alike = settings.model_copy(update={"workers": 0, "smaller_first": [], "patch_px": patch_px})
        step += part * _seconds_a_step(network, wrapper, next(iter(make_loader(alike, images))))
    each = step * settings.accumulate * BESIDE
    fitting = int(minutes * 60 / each)
    if fitting <= settings.warmup.iterations:
        raise SettingsError(
            f"{minutes:g} minutes are {fitting} iterations of {each:.2f} s, and the warm-up alone has "
            f"{settings.warmup.iterations}; give more --minutes or --set warmup.iterations"
        )
    return fitting


def _seconds_a_step(network: torch.nn.Module, wrapper: AutocastOptimWrapper, batch: dict) -> float:
    """Return the median over a few steps on one batch."""
    seconds = []
    for _ in range(PROBE):
        began = time.monotonic()
        network.train_step(batch, wrapper)["loss"].item()  # a GPU is waited for
        seconds.append(time.monotonic() - began)
    return statistics.median(seconds[SETTLING:])
