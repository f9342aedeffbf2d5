"""The loss on slides that are not trained on: always the same patches, as they are."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice

import torch

from training import processes
from training.augment import Augment
from training.index import DataError, IndexedImage
from training.patches import collated
from training.runner import make_dataset
from training.sampling import Hierarchy, PatchSampler, weights
from training.settings import Settings

SEED = 0  # of every run: losses of two runs on the same slides can be compared


class ValidationLoss:
    """The mean training loss of a network over `validation_patches` patches, drawn as training draws, not augmented.

    Slides without any annotated cell give patches from anywhere, so that every held-back slide has a loss.
    """

    def __init__(self, images: Sequence[IndexedImage], settings: Settings) -> None:
        self._data = make_dataset(settings, images, Augment())
        self._batch = settings.batch
        # weights of data sets by name belong to what is trained on
        hierarchy = Hierarchy(balanced=settings.sampling.balanced)
        try:
            chances = weights(self._data.patches, settings.shares, hierarchy)
        except DataError:
            chances = weights(self._data.patches, {"anywhere": 1.0}, hierarchy)
        self._draws = list(islice(PatchSampler(chances, seed=SEED), settings.validation_patches))

    @torch.no_grad()
    def __call__(self, network: torch.nn.Module) -> float:
        """Return the loss of the network in eval mode, under the autocast of training."""
        was_training, total = network.training, 0.0
        network.eval()  # batch norm would take these patches into its statistics
        for start in range(0, len(self._draws), self._batch):
            draws = self._draws[start : start + self._batch]
            batch = network.data_preprocessor(collated([self._data[draw] for draw in draws]), True)
            with _alone(), torch.autocast(processes.device(), torch.bfloat16):
                losses = network(**batch, mode="loss")
            total += float(network.parse_losses(losses)[0]) * len(draws)
        network.train(was_training)
        return total / len(self._draws)


@contextmanager
def _alone() -> Iterator[None]:
    """Compute losses in this process alone.

    mmdet averages what they are divided by over all processes; the others, which do not look, would answer with
    their gradients.
    """
    from mmdet.models.dense_heads import rtmdet_head  # after training.mmcv_ops, which came with the network

    average = rtmdet_head.reduce_mean
    rtmdet_head.reduce_mean = lambda own: own
    try:
        yield
    finally:
        rtmdet_head.reduce_mean = average
