"""Fewer slides, to see what more of them would bring: a learning curve is a config trained on several shares."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence

from training.index import IndexedImage, glass_of


def share_of_slides(images: Sequence[IndexedImage], share: float, *, seed: int) -> list[IndexedImage]:
    """Return the images of this share of the glasses, rounded to whole ones among those in the same data sets.

    A smaller share of one seed is part of every larger one, so that a curve adds slides and exchanges none.
    """
    glass = glass_of(images)
    sets_of: dict[str, set[str]] = defaultdict(set)
    for image in images:
        sets_of[glass[image.slide]].add(image.dataset)
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, sets in sets_of.items():
        alike[tuple(sorted(sets))].append(name)
    kept = {
        name
        for names in alike.values()
        for rank, name in enumerate(sorted(names, key=lambda name: _draw(name, seed)))
        if rank + 0.5 <= share * len(names)
    }
    return [image for image in images if glass[image.slide] in kept]


def _draw(name: str, seed: int) -> str:
    """Return what a slide is ordered by: the same on every machine, another with another seed."""
    return hashlib.sha256(f"{seed} {name}".encode()).hexdigest()
