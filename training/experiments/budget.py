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
    """Return how many iterations of this config train in the minutes, by the median of a few steps on one batch.

    Raises SettingsError when no more fit than the warm-up has, and under torchrun: each process would measure
    another number.
    """
    if processes.launched() > 1:
        raise SettingsError("minutes cannot be given to several processes; --set iterations=... instead")
    # of full size: of patches that grow the last take longest
    batch = next(iter(make_loader(settings.model_copy(update={"workers": 0, "smaller_first": []}), images)))
    network = make_network(settings).to(processes.device())
    optimizer = torch.optim.AdamW(network.parameters(), lr=settings.warmup.start, fused=True)
    wrapper = AutocastOptimWrapper(device=processes.device(), optimizer=optimizer)
    seconds = []
    for _ in range(PROBE):
        began = time.monotonic()
        network.train_step(batch, wrapper)["loss"].item()  # a GPU is waited for
        seconds.append(time.monotonic() - began)
    each = statistics.median(seconds[SETTLING:]) * settings.accumulate * BESIDE
    fitting = int(minutes * 60 / each)
    if fitting <= settings.warmup.iterations:
        raise SettingsError(
            f"{minutes:g} minutes are {fitting} iterations of {each:.2f} s, and the warm-up alone has "
            f"{settings.warmup.iterations}; give more --minutes or --set warmup.iterations"
        )
    return fitting
