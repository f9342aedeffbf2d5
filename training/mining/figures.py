"""A person's list of mined places that are figures after all."""

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path

from training.index import Annotation, DataError, IndexedImage

COLUMNS = ("image", "x", "y")


@dataclass(frozen=True)
class Listed:
    """One line of the list; dataset is empty where the list does not say it. line: its number, for messages."""

    dataset: str
    image: str
    x: float
    y: float
    line: int


def read_list(path: Path) -> list[Listed]:
    """Return the places of a CSV with image, x, y, and perhaps dataset; lines of `mined.csv` are such.

    Raises DataError with the line that cannot be read.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # spreadsheets begin a CSV with a mark
            table = csv.DictReader(file)
            lacking = [name for name in COLUMNS if name not in (table.fieldnames or [])]
            if lacking:
                raise DataError(f"{path}: no column {', '.join(lacking)}; the first line names image, x, y")
            return [_listed(row, table.line_num, path) for row in table]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as a CSV ({error})") from error


def _listed(row: dict[str, str], line: int, path: Path) -> Listed:
    try:
        x, y = float(row["x"]), float(row["y"])
    except (TypeError, ValueError):
        x = y = float("nan")
    if not (isfinite(x) and isfinite(y)):
        raise DataError(f"{path}, line {line}: x {row['x']!r} and y {row['y']!r} are no place")
    return Listed(row.get("dataset") or "", row["image"], x, y, line)


def with_figures(images: Sequence[IndexedImage], places: Sequence[Listed], source: str) -> list[IndexedImage]:
    """Return the images with the places as figures of theirs; source: the list's name in messages.

    Raises DataError for an image that is not there or not the only one of its name, and for a place outside of it.
    """
    named: dict[str, list[int]] = defaultdict(list)
    for number, image in enumerate(images):
        named[image.name].append(number)
    added: dict[int, list[Annotation]] = defaultdict(list)
    for place in places:
        fits = [n for n in named[place.image] if place.dataset in ("", images[n].dataset)]
        if len(fits) != 1:
            why = "is in no data set" if not fits else f"is in {len(fits)} data sets; name one in a column dataset"
            raise DataError(f"{source}, line {place.line}: image {place.image!r} {why}")
        width, height = images[fits[0]].size
        if not (0 <= place.x <= width and 0 <= place.y <= height):
            raise DataError(
                f"{source}, line {place.line}: ({place.x:g}, {place.y:g}) lies outside of {place.image}, "
                f"{width} x {height} px"
            )
        added[fits[0]].append(Annotation(place.x, place.y, "MF"))
    return [
        replace(image, annotations=(*image.annotations, *added[n])) if n in added else image
        for n, image in enumerate(images)
    ]
