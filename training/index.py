"""What training and evaluation know about the data: images, their slides, and annotated places."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from algorithm.errors import MitosisError
from algorithm.frames import Mpp

Label = Literal["MF", "NMF"]  # mitotic figure; imposter (hard negative)


class DataError(MitosisError):
    """The data do not hold what was asked of them."""


@dataclass(frozen=True)
class Annotation:
    """One annotated cell: its place in px of the image at full resolution, and what it is."""

    x: float
    y: float
    label: Label


@dataclass(frozen=True)
class IndexedImage:
    """One image with all its annotations. size: (width, height) px; mpp: um/px as published with the set.

    glass: the piece of glass that the slide may share with others, where sets name or scan one twice; what is
    held back is held back by it. Empty: the slide is a glass of its own.
    """

    dataset: str
    slide: str
    path: Path
    size: tuple[int, int]
    mpp: Mpp
    annotations: tuple[Annotation, ...]
    glass: str = ""

    @property
    def glasses(self) -> set[str]:
        """Return the names that this image must not be parted from: its slide's and its glass's."""
        return {self.slide, self.glass} - {""}

    @property
    def name(self) -> str:
        """Return the file name without its suffix."""
        return self.path.stem

    def places(self, label: Label) -> list[tuple[float, float]]:
        """Return the places (x, y) px of one kind of cell."""
        return [(a.x, a.y) for a in self.annotations if a.label == label]


def without_slides(images: Iterable[IndexedImage], slides: Sequence[str]) -> list[IndexedImage]:
    """Return the images of all other slides; those that share a glass with one of these are left out as well."""
    every = list(images)
    out = set(slides).union(*(image.glasses for image in every if image.slide in slides))
    return [image for image in every if not image.glasses & out]


def of_slides(images: Sequence[IndexedImage], slides: Sequence[str]) -> list[IndexedImage]:
    """Return the images of these slides. Raises DataError for a slide that is not there."""
    chosen = [image for image in images if image.slide in slides]
    missing = sorted(set(slides) - {image.slide for image in chosen})
    if missing:
        known = ", ".join(sorted({image.slide for image in images}))
        raise DataError(f"no image of slide(s) {', '.join(missing)} in the data (there are: {known})")
    return chosen
