"""Beginning from weights that are there already."""

from collections.abc import Iterator
from itertools import islice

from mmengine.dist import broadcast
from mmengine.hooks import Hook

from training import processes
from training.patches import collated
from training.pretrained import Source, put_into
from training.pretrained.norms import measure_norms

MEASURED_PX = 2_000_000  # of patches, from which folded batch norms get their statistics
FEWEST_PATCHES = 4
BATCH_PX = 500_000


class PretrainedHook(Hook):
    """Put weights into the network before the first step; the averages begin after that step. Not when resuming."""

    priority = "VERY_HIGH"

    def __init__(self, source: Source, patch_px: tuple[int, int]) -> None:
        self._source = source
        self._patch_px = patch_px

    def before_train(self, runner) -> None:
        """Load; mmengine has initialised the network by now."""
        if runner.iter:
            return
        network = processes.own(runner.model)
        report = put_into(network, self._source)
        if processes.rank() == 0:
            print(report, flush=True)
        if report.folded:
            measure_norms(network, sorted(report.folded), _first(runner.train_dataloader, self._patch_px))
        for tensor in network.state_dict().values():  # processes measure different patches
            broadcast(tensor)


def _first(loader, patch_px: tuple[int, int]) -> Iterator[dict]:
    """Give the patches of the first draws, in batches of a size that any memory holds."""
    area = patch_px[0] * patch_px[1]
    draws = islice(iter(loader.batch_sampler.sampler), max(MEASURED_PX // area, FEWEST_PATCHES))
    while batch := [loader.dataset[draw] for draw in islice(draws, max(1, BATCH_PX // area))]:
        yield collated(batch)
