"""Which patch comes next: its kind, then the data set, then the slide, then the patch, each drawn at random.

Balanced hierarchical sampling after Marzahl and Napora (arXiv 2508.19804): no data set and no slide dominates, however
many figures it holds. The kind comes first, so that MF : NMF is exactly what was asked for.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import BatchSampler, Sampler

from training.index import DataError
from training.places import Kind, Patch


@dataclass(frozen=True)
class Hierarchy:
    """How much a data set counts.

    balanced: False draws all patches of a kind alike, whatever set and slide they are of (for the ablation).
    data_set_power: a data set counts by its number of patches to this power; 0: all alike, 1: by size.
    data_set_weights: factors on top, by the name of the data set; 1 where none is given. {kind: factor} in the place of
    one number weighs its kinds apart: a mined set holds imposters, and the figures of its images once more.
    """

    balanced: bool = True
    data_set_power: float = 0.0
    data_set_weights: Mapping[str, float | Mapping[Kind, float]] = field(default_factory=dict)

    def factor(self, kind: Kind, dataset: str) -> float:
        """Return how much a data set's patches of a kind weigh, beside its size."""
        given = self.data_set_weights.get(dataset, 1.0)
        return given.get(kind, 1.0) if isinstance(given, Mapping) else given


def weights(
    patches: Sequence[Patch], shares: Mapping[Kind, float], hierarchy: Hierarchy | None = None
) -> NDArray[np.float64]:
    """Return the probability of each patch, (n,) float64, sum 1.

    shares: the part of the draws that each kind gets. Within a kind the data sets that hold it get theirs by
    `hierarchy`, within a data set all slides that hold the kind the same, within a slide all its patches.
    A kind that is nowhere leaves its share to the others. Raises DataError when there is nothing to draw, or for
    a weight of a data set that is not there.
    """
    hierarchy = hierarchy or Hierarchy()
    _check_names(patches, hierarchy)
    of_kind = Counter(p.kind for p in patches)
    of_set = Counter((p.kind, p.dataset) for p in patches)
    of_slide = Counter((p.kind, p.dataset, p.slide) for p in patches)
    slides = Counter((kind, dataset) for kind, dataset, _ in of_slide)
    factor = {
        (kind, dataset): hierarchy.factor(kind, dataset) * count**hierarchy.data_set_power
        for (kind, dataset), count in of_set.items()
    }
    total = Counter()
    for (kind, _), value in factor.items():
        total[kind] += value

    def within_kind(p: Patch) -> float:
        if not hierarchy.balanced:
            return 1 / of_kind[p.kind]
        key = p.kind, p.dataset
        of_data_set = factor[key] / total[p.kind] if total[p.kind] else 0.0
        return of_data_set / slides[key] / of_slide[*key, p.slide]

    raw = np.array([shares.get(p.kind, 0.0) * within_kind(p) for p in patches])
    if raw.sum() <= 0:
        wanted = ", ".join(kind for kind, share in shares.items() if share > 0)
        raise DataError(f"the data hold no patch of a kind with a share above 0 ({wanted or 'all shares are 0'})")
    return raw / raw.sum()


def _check_names(patches: Sequence[Patch], hierarchy: Hierarchy) -> None:
    known = {p.dataset for p in patches}
    unknown = sorted(set(hierarchy.data_set_weights) - known)
    if unknown:
        raise DataError(f"data_set_weights: no data set {', '.join(unknown)} (there are: {', '.join(sorted(known))})")


class PatchSampler(Sampler[tuple[int, int]]):
    """Endless draws with replacement: (patch number, seed of its shift and augmentation).

    Draw n is a function of (seed, n) alone; process `rank` of `world` takes every world-th. So one process or
    several see the same draws, and `skip(n)` resumes exactly where a killed run stood.
    """

    BLOCK = 4096  # draws made at once

    def __init__(self, probabilities: NDArray[np.float64], *, seed: int, rank: int = 0, world: int = 1) -> None:
        self._cumulative = np.cumsum(probabilities)
        self._seed = seed
        self._rank, self._world = rank, world
        self.start = 0

    def skip(self, draws: int) -> None:
        """Begin the next iteration at this draw of this process."""
        self.start = draws

    def __len__(self) -> int:
        """Return the number of patches; the draws themselves never end."""
        return len(self._cumulative)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        draw = self.start * self._world + self._rank
        while True:
            block = draw // self.BLOCK
            rng = np.random.default_rng((self._seed, block))
            chosen = np.searchsorted(self._cumulative, rng.random(self.BLOCK), side="right")
            seeds = rng.integers(2**62, size=self.BLOCK)
            while draw // self.BLOCK == block:
                n = draw % self.BLOCK
                yield min(int(chosen[n]), len(self._cumulative) - 1), int(seeds[n])
                draw += self._world


class SizedBatches(BatchSampler):
    """Batches of a PatchSampler's draws, each with the size that its patches are cut at: (patch, seed, size px).

    px_of: (width, height) of batch n of the run, which goes on counting where the sampler was told to skip.
    """

    def __init__(self, sampler: PatchSampler, batch_size: int, px_of: Callable[[int], tuple[int, int]]) -> None:
        super().__init__(sampler, batch_size, drop_last=True)
        self._px_of = px_of

    def __iter__(self) -> Iterator[list[tuple[int, int, tuple[int, int]]]]:
        for number, batch in enumerate(super().__iter__(), start=self.sampler.start // self.batch_size):
            size_px = self._px_of(number)
            yield [(*draw, size_px) for draw in batch]
