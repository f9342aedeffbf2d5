"""Where the pictures of annotations lie, and what importers need of them: size and scale."""

import math
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import PIL.Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile

from algorithm.errors import ImageError
from algorithm.frames import Mpp
from algorithm.images import SUFFIXES, open_image
from algorithm.images.raster import JPEG, PNG
from training.importers.base import Dropped, Options
from training.index import Annotation, DataError, IndexedImage, Label

NAMED_SUFFIXES = (*SUFFIXES, ".bmp", ".gif")  # what annotations may call a picture that is kept in another format
HEADER_SUFFIXES = (".jpg", ".jpeg")  # their scale is not believed, so that the header is enough
SIZE_TOLERANCE_PX = 1  # eight JPEGs of MITOS-ATYPIA-14 are a column narrower than their annotations say
MOVED = "its middle lies beyond the border of the image: moved onto it"


class Mark(NamedTuple):
    """An annotated cell: its box in image px, of no extent where the annotation is a point."""

    x1: float
    y1: float
    x2: float
    y2: float
    label: Label


def point(x: float, y: float, label: Label) -> Mark:
    """Return the mark of a point."""
    return Mark(x, y, x, y, label)


def around(places: Sequence[tuple[float, float]], label: Label) -> Mark:
    """Return the bounding box of some places (x, y)."""
    xs, ys = zip(*places, strict=True)
    return Mark(min(xs), min(ys), max(xs), max(ys), label)


def picture_size(path: Path) -> tuple[int, int]:
    """Return (width, height) px from the header of a PNG or a JPEG, else by Pillow. Raises ImageError.

    The two go by their plugins, as in algorithm.images: Pillow.open refuses what is larger than 179 megapixels.
    """
    try:
        with path.open("rb") as file:
            head = file.read(len(PNG))
            file.seek(0)
            opened = PngImageFile if head == PNG else JpegImageFile if head.startswith(JPEG) else PIL.Image.open
            return opened(file).size
    except (OSError, SyntaxError) as error:
        raise ImageError(f"{path}: cannot be opened ({error})") from error


class Shelf:
    """The pictures under a folder, found by the names that annotations give them.

    `changed` collects what had to be changed on the way.
    """

    def __init__(self, folder: Path, options: Options, *, deep: bool = False) -> None:
        """Look through --images with all that lies below it, else through the folder; deep: and below it."""
        self._folder = options.images or folder
        self._scale = options.scale
        self.changed: list[Dropped] = []
        if not self._folder.is_dir():
            raise ImageError(f"{self._folder}: no such folder of pictures")
        paths = self._folder.rglob("*") if options.images or deep else self._folder.glob("*")
        self._by_stem: dict[str, list[Path]] = {}
        for path in sorted(paths):
            if path.suffix.lower() in SUFFIXES and path.is_file():
                self._by_stem.setdefault(path.stem, []).append(path)

    def find(self, name: str) -> Path | None:
        """Return the picture of this name, or of its stem with another suffix. Raises DataError where several fit."""
        wanted = PurePosixPath(name.replace("\\", "/"))
        stem = wanted.stem if wanted.suffix.lower() in NAMED_SUFFIXES else wanted.name
        fitting = [path for path in self._by_stem.get(stem, []) if _ends_with(path.parent, wanted.parent)]
        same = [path for path in fitting if path.name == wanted.name] or fitting
        if len(same) > 1:
            shown = ", ".join(map(str, same[:3]))
            raise DataError(f"{name}: {len(same)} pictures fit ({shown}); keep one of them under {self._folder}")
        return same[0] if same else None

    def indexed(
        self,
        name: str,
        marks: Sequence[Mark],
        *,
        size: tuple[int, int] | None = None,
        mpp: Mpp | None = None,
        **texts: Any,
    ) -> IndexedImage:
        """Return the image of this name with its cells; missing, where there is no picture.

        size: px as the annotations say. mpp: that of the set, where it is published. Without both the picture
        and a stated size, the image is as large as its places need.
        """
        path = self.find(name)
        mpp = self._scale or mpp
        if path is not None:
            found, of_file = _facts(path, wants_scale=mpp is None)
            if size and max(abs(found[0] - size[0]), abs(found[1] - size[1])) > SIZE_TOLERANCE_PX:
                raise DataError(
                    f"{path}: {found[0]} x {found[1]} px, the annotations are of one of {size[0]} x {size[1]} px; "
                    "another version of the picture?"
                )
            size, mpp = found, mpp or of_file
        size = size or _needed(marks)
        return IndexedImage(
            path=path or self._folder / name,
            size=size,
            mpp=mpp,
            annotations=tuple(self._placed(mark, size, name) for mark in marks),
            missing=path is None,
            **texts,
        )

    def _placed(self, mark: Mark, size: tuple[int, int], name: str) -> Annotation:
        """Return the middle of a mark. That of a box which reaches into the image is put onto the border."""
        x, y = (mark.x1 + mark.x2) / 2, (mark.y1 + mark.y2) / 2
        inside = min(max(x, 0), size[0]), min(max(y, 0), size[1])
        reaches_in = mark.x1 < size[0] and mark.y1 < size[1] and mark.x2 > 0 and mark.y2 > 0
        if (x, y) != inside and mark.x1 < mark.x2 and reaches_in:
            self.changed.append(Dropped(f"{name}: a {mark.label} at ({x:g}, {y:g})", MOVED))
            x, y = inside
        return Annotation(x, y, mark.label)


def _facts(path: Path, *, wants_scale: bool) -> tuple[tuple[int, int], Mpp | None]:
    """Return size and scale of a picture."""
    if path.suffix.lower() in HEADER_SUFFIXES or (path.suffix.lower() == ".png" and not wants_scale):
        return picture_size(path), None
    with open_image(path) as image:
        return image.size, image.mpp


def _ends_with(folder: Path, last: PurePosixPath) -> bool:
    parts = tuple(part for part in last.parts if part not in (".", "/"))
    return not parts or folder.resolve().parts[-len(parts) :] == parts


def _needed(marks: Sequence[Mark]) -> tuple[int, int]:
    return (
        max([1, *(math.ceil((mark.x1 + mark.x2) / 2) for mark in marks)]),
        max([1, *(math.ceil((mark.y1 + mark.y2) / 2) for mark in marks)]),
    )
