"""Which patch comes next: first its kind, then the slide, then the patch, each drawn at random.

The first cut of the hierarchy: kind and slide. A data set's share follows from its number of slides.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

from training.index import DataError
from training.patches import Kind, Patch


def weights(patches: Sequence[Patch], shares: Mapping[Kind, float]) -> NDArray[np.float64]:
    """Return the probability of each patch, (n,) float64, sum 1.

    shares: the part of the draws that each kind gets. Within a kind all slides that hold it get the same,
    within a slide all its patches. A kind that is nowhere leaves its share to the others.
    Raises DataError when there is nothing to draw.
    """
    slides = {kind: {p.slide for p in patches if p.kind == kind} for kind in shares}
    in_slide = Counter((p.kind, p.slide) for p in patches)
    raw = np.array([shares.get(p.kind, 0.0) for p in patches])
    raw /= [len(slides[p.kind]) * in_slide[p.kind, p.slide] if p.kind in slides else 1 for p in patches]
    if raw.sum() <= 0:
        wanted = ", ".join(kind for kind, share in shares.items() if share > 0)
        raise DataError(f"the data hold no patch of a kind with a share above 0 ({wanted or 'all shares are 0'})")
    return raw / raw.sum()


class PatchSampler(Sampler[tuple[int, int]]):
    """Endless draws with replacement: (patch number, seed of its shift and augmentation).

    Draw n is a function of (seed, n) alone, so `skip(n)` resumes exactly where a killed run stood.
    """

    BLOCK = 4096  # draws made at once

    def __init__(self, probabilities: NDArray[np.float64], *, seed: int) -> None:
        self._cumulative = np.cumsum(probabilities)
        self._seed = seed
        self._start = 0

    def skip(self, draws: int) -> None:
        """Begin the next iteration at this draw."""
        self._start = draws

    def __len__(self) -> int:
        """Return the number of patches; the draws themselves never end."""
        return len(self._cumulative)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        draw = self._start
        while True:
            block, first = divmod(draw, self.BLOCK)
            rng = np.random.default_rng((self._seed, block))
            chosen = np.searchsorted(self._cumulative, rng.random(self.BLOCK), side="right")
            seeds = rng.integers(2**62, size=self.BLOCK)
            for n in range(first, self.BLOCK):
                yield min(int(chosen[n]), len(self._cumulative) - 1), int(seeds[n])
            draw = (block + 1) * self.BLOCK
