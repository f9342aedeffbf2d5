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
    """One image with all its annotations. size: (width, height) px; mpp: um/px, None where nobody knows it.

    glass: the piece of glass that the slide may share with others, where sets name or scan one twice; what is
    held back is held back by it. Empty: the slide is a glass of its own.
    window: (x, y, width, height) px of the file when the image is a part of it, as a cell of a contact sheet is.
    missing: the annotations are there, the picture is not.
    """

    dataset: str
    slide: str
    path: Path
    size: tuple[int, int]
    mpp: Mpp | None
    annotations: tuple[Annotation, ...]
    glass: str = ""
    scanner: str = ""
    tumour: str = ""
    species: str = ""
    window: tuple[int, int, int, int] | None = None
    missing: bool = False

    @property
    def glasses(self) -> set[str]:
        """Return the names that this image must not be parted from: its slide's and its glass's."""
        return {self.slide, self.glass} - {""}

    @property
    def name(self) -> str:
        """Return the file name without its suffix; of a part of a file, with where it begins."""
        return self.path.stem + ("" if self.window is None else f"_x{self.window[0]}_y{self.window[1]}")

    def places(self, label: Label) -> list[tuple[float, float]]:
        """Return the places (x, y) px of one kind of cell."""
        return [(a.x, a.y) for a in self.annotations if a.label == label]


def check(images: Iterable[IndexedImage], source: str) -> None:
    """Refuse an index that would train on wrong places or mix slides up; source: its name in messages.

    Raises DataError for an annotation outside its image, one image twice, and a name that two files of a slide share.
    """
    files: dict[tuple[str, str, str], Path] = {}
    for image in images:
        width, height = image.size
        for cell in image.annotations:
            if not (0 <= cell.x <= width and 0 <= cell.y <= height):
                raise DataError(
                    f"{source}: {image.name}: a {cell.label} at ({cell.x:g}, {cell.y:g}) "
                    f"lies outside of the image of {width} x {height} px"
                )
        other = files.setdefault((image.dataset, image.slide, image.name), image.path)
        if other is not image.path:  # two entries, be their paths equal or not
            why = "is listed twice" if other == image.path else f"is a name of two files, {other} and {image.path}"
            raise DataError(f"{source}: {image.name} {why}; figures of two slides would be mixed up")


def usable(images: Iterable[IndexedImage], source: str) -> list[IndexedImage]:
    """Return the images, when each one has its picture and its scale. Raises DataError with what to do."""
    every = list(images)
    for reason, lacking, remedy in (
        ("no picture", [i for i in every if i.missing], "import it again with --images DIR"),
        ("no scale", [i for i in every if i.mpp is None], "import it again with --mpp UM_PER_PX"),
    ):
        if lacking:
            raise DataError(
                f"{source}: {len(lacking)} of {len(every)} images have {reason} "
                f"(the first: {lacking[0].path}); {remedy}"
            )
    return every


def without_slides(images: Iterable[IndexedImage], slides: Sequence[str]) -> list[IndexedImage]:
    """Return the images of all other slides; those that share a glass with one of these are left out as well."""
    every = list(images)
    glass = glass_of(every)
    out = {glass[slide] for slide in slides if slide in glass}
    return [image for image in every if glass.get(image.slide) not in out]


def glass_of(images: Iterable[IndexedImage]) -> dict[str, str]:
    """Return, for every name of a slide or glass, the one name of all that hangs together with it.

    Slides hang together through a glass that both name, also by way of a third.
    """
    first: dict[str, str] = {}

    def root(name: str) -> str:
        while first.setdefault(name, name) != name:
            name = first[name]
        return name

    for image in images:
        roots = sorted({root(name) for name in image.glasses})
        for other in roots[1:]:
            first[other] = roots[0]
    return {name: root(name) for name in first}


def of_slides(images: Sequence[IndexedImage], slides: Sequence[str]) -> list[IndexedImage]:
    """Return the images of these slides. Raises DataError for a slide that is not there."""
    chosen = [image for image in images if image.slide in slides]
    missing = sorted(set(slides) - {image.slide for image in chosen})
    if missing:
        known = ", ".join(sorted({image.slide for image in images}))
        raise DataError(f"no image of slide(s) {', '.join(missing)} in the data (there are: {known})")
    return chosen
