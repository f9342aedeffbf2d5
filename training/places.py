"""Places that a network can be trained on: around each annotated cell, and anywhere in each image."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from training.index import IndexedImage


class Kind(StrEnum):
    """What a patch was cut for."""

    FIGURE = "figure"
    IMPOSTER = "imposter"
    BACKGROUND = "background"  # tissue without any annotated cell
    ANYWHERE = "anywhere"  # tissue, with whatever cells are there


EVERY_LABEL = {"MF": 0, "NMF": 1}
KIND_OF_LABEL = {"MF": Kind.FIGURE, "NMF": Kind.IMPOSTER}


@dataclass(frozen=True)
class Patch:
    """A place to cut around, or anywhere in the image. image: its number; centre: (x, y) px of the image."""

    image: int
    dataset: str
    slide: str
    kind: Kind
    centre: tuple[float, float] | None


def patches_of(images: Sequence[IndexedImage]) -> list[Patch]:
    """Return a patch for each annotation, and for each image one anywhere and one of background."""
    found = []
    for number, image in enumerate(images):
        of = number, image.dataset, image.slide
        found += [Patch(*of, kind, None) for kind in (Kind.ANYWHERE, Kind.BACKGROUND)]
        found += [Patch(*of, KIND_OF_LABEL[cell.label], (cell.x, cell.y)) for cell in image.annotations]
    return found
