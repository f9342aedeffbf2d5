"""Exports of the EXACT annotation server (https://github.com/DeepMicroscopy/Exact), as JSON or CSV.

JSON: what the REST API gives of annotations with `expand=annotation_type,image` (annotations/serializers.py,
images/serializers.py): a list, or a page with `results`. `vector` holds x1, y1, x2, y2, ... in px; null: the class is
said not to be in the image. CSV: an export format of the server whose header names its placeholders (annotations/
views.py): imagename, type, and minx, miny, maxx, maxy or cx, cy; imagewidth, imageheight and deleted may be there.
"""

import math
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from training.importers.base import FILE, NAMING, PICTURES, Dropped, Imported, Options
from training.importers.documents import field, numbers, read_json
from training.importers.glass import slide_and_glass
from training.importers.labels import Classes
from training.importers.pictures import Mark, Shelf, around
from training.importers.tables import Row, header, read_rows
from training.index import DataError

LAYOUT = "<export>.json of annotations with vector, annotation_type, image; or .csv with imagename, type, minx, ..."
OPTIONS = NAMING | PICTURES | {"classes"}
SOURCES = FILE
COLUMNS = ("imagename", "type")
BOX, CENTRE = ("minx", "miny", "maxx", "maxy"), ("cx", "cy")
DELETED, NOT_IN_IMAGE = "deleted on the server", "said not to be in the image"
TRUE = ("true", "1")


class Entry(NamedTuple):
    """One annotation; places: (x, y) px of its corners, none where the class is not in the image."""

    where: str
    image: str
    size: tuple[int, int] | None
    kind: str
    places: list[tuple[float, float]]
    deleted: bool


def read(source: Path, options: Options) -> Imported:
    """Return the images that have annotations; EXACT lists no others."""
    entries = _of_json(source) if source.suffix.lower() == ".json" else _of_csv(source)
    classes, dropped = Classes(options), []
    marks: dict[str, list[Mark]] = {}
    sizes: dict[str, tuple[int, int] | None] = {}
    for entry in entries:
        sizes[entry.image] = sizes.get(entry.image) or entry.size
        of_image = marks.setdefault(entry.image, [])
        why = DELETED if entry.deleted else "" if entry.places else NOT_IN_IMAGE
        meaning = "drop" if why else classes.meaning(entry.kind, entry.where)
        if meaning == "drop":
            dropped.append(Dropped(f"{entry.where} of {entry.image}", why or f"class {entry.kind!r}"))
        else:
            of_image.append(around(entry.places, meaning))
    shelf = Shelf(source.parent, options)
    images = []
    for name, of_image in marks.items():
        slide, glass = slide_and_glass(PurePosixPath(name).stem, options.prefix)
        texts = {"dataset": options.data_set or source.stem, "slide": slide, "glass": glass}
        images.append(shelf.indexed(name, of_image, size=sizes[name], **texts))
    return Imported(images, dropped, shelf.changed)


def _of_json(source: Path) -> Iterator[Entry]:
    document = read_json(source)
    if isinstance(document, dict):
        if document.get("next"):
            raise DataError(f"{source}: the first page of several; export all of them (pagination=false)")
        document = field(document, "results", str(source))
    if not isinstance(document, list):
        raise DataError(f"{source}: no list of annotations; is it of another format?")
    for number, one in enumerate(document, 1):
        where = f"{source}: annotation {one.get('id', number) if isinstance(one, dict) else number}"
        image, kind = field(one, "image", where), field(one, "annotation_type", where)
        if not isinstance(image, dict) or not isinstance(kind, dict):
            raise DataError(f"{where}: image and annotation_type are numbers; export with expand=annotation_type,image")
        width, height = numbers([image.get("width") or 0, image.get("height") or 0], 2, f"{where}: size")
        yield Entry(
            where,
            str(field(image, "name", where)),
            (int(width), int(height)) if width and height else None,
            str(field(kind, "name", where)),
            _places(field(one, "vector", where), where),
            bool(one.get("deleted")),
        )


def _places(vector: Any, where: str) -> list[tuple[float, float]]:
    if vector is None:
        return []
    places = []
    while f"x{len(places) + 1}" in vector:
        x, y = vector[f"x{len(places) + 1}"], vector.get(f"y{len(places) + 1}")
        if not all(isinstance(value, int | float) and math.isfinite(value) for value in (x, y)):
            raise DataError(f"{where}: vector {vector} holds what is no number")
        places.append((float(x), float(y)))
    if not places:
        raise DataError(f"{where}: vector {vector} has no x1, y1")
    return places


def _of_csv(source: Path) -> Iterator[Entry]:
    there = header(source)
    sides = CENTRE if set(CENTRE) <= set(there) and not set(BOX) <= set(there) else BOX
    for row in read_rows(source, (*COLUMNS, *sides)):
        sized = row.text("imagewidth") and row.text("imageheight")
        yield Entry(
            row.where,
            row.text("imagename"),
            (row.count("imagewidth"), row.count("imageheight")) if sized else None,
            row.text("type"),
            _corners(row, sides),
            row.text("deleted").lower() in TRUE,
        )


def _corners(row: Row, sides: tuple[str, ...]) -> list[tuple[float, float]]:
    """Return the corners of a row; its cells are empty where the class is not in the image."""
    if not any(row.text(side) for side in sides):
        return []
    values = [row.number(side) for side in sides]
    return list(zip(values[0::2], values[1::2], strict=True))
