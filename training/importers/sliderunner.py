"""SlideRunner databases (SQLite), of the old schema without `deleted` as well as of the new one.

Table by table: Slides(uid, filename, width, height, directory), Annotations(uid, slide, type, agreedClass[, deleted]),
Annotations_coordinates(coordinateX, coordinateY, annoId), Classes(uid, name). A spot has one coordinate, a box two
and a polygon many: the place is the middle of their bounding box, whatever the type.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from training.importers.base import FILE, NAMING, PICTURES, Dropped, Imported, Options
from training.importers.glass import slide_and_glass
from training.importers.labels import Classes
from training.importers.midog import UNLABELLED
from training.importers.mitos14 import published_scale
from training.importers.pictures import Mark, Shelf, around
from training.index import DataError, IndexedImage

LAYOUT = "<name>.sqlite with Slides, Annotations, Annotations_coordinates, Classes"
OPTIONS = NAMING | PICTURES | {"classes"}
SOURCES = FILE
TABLES = ("Slides", "Annotations", "Annotations_coordinates", "Classes")
NUMBERS = "typeof(coordinateX) IN ('integer', 'real') AND typeof(coordinateY) IN ('integer', 'real')"
DELETED, NO_CLASS, NO_PLACE = "deleted by its annotator", "no agreed class", "no coordinates"


def read(source: Path, options: Options) -> Imported:
    """Return one image a slide. Where file names repeat, their directory is the slide, as in TUPAC.sqlite."""
    try:
        with closing(sqlite3.connect(f"file:{quote(str(source.resolve()))}?mode=ro", uri=True)) as database:
            _check_tables(database, source)
            slides = list(database.execute("SELECT uid, filename, width, height, directory FROM Slides ORDER BY uid"))
            marks, dropped = _marks(database, source, Classes(options))
    except sqlite3.Error as error:
        raise DataError(f"{source}: cannot be read as a SlideRunner database ({error})") from error
    shelf = Shelf(source.parent, options)
    repeated = max(Counter(name for _, name, *_ in slides).values(), default=0) > 1
    images = []
    for uid, name, width, height, directory in slides:
        if not name:
            raise DataError(f"{source}: slide {uid} has no file name")
        if uid not in marks and source.stem.startswith("MIDOG"):
            dropped.append(Dropped(name, UNLABELLED))
            continue
        size = (int(width), int(height)) if width and height else None
        placed = f"{directory}/{name}" if repeated else name
        stem = str(directory) if repeated else Path(name).stem
        images.append(_image(shelf, placed, marks.get(uid, []), size, stem, source, options))
    return Imported(images, dropped, shelf.changed)


def _image(
    shelf: Shelf, name: str, marks: list[Mark], size: tuple[int, int] | None, stem: str, source: Path, options: Options
) -> IndexedImage:
    slide, glass = slide_and_glass(stem, options.prefix, within=source.stem)
    dataset = options.data_set or source.stem
    return shelf.indexed(name, marks, size=size, mpp=published_scale(stem), dataset=dataset, slide=slide, glass=glass)


def _check_tables(database: sqlite3.Connection, source: Path) -> None:
    there = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    lacking = [name for name in TABLES if name not in there]
    if lacking:
        why = f"no table {', '.join(lacking)}" if there else "the file is empty"
        raise DataError(f"{source}: {why}; a SlideRunner database is needed")


def _marks(database: sqlite3.Connection, source: Path, classes: Classes) -> tuple[dict[Any, list[Mark]], list[Dropped]]:
    """Return the marks of each slide by its uid, and what was dropped."""
    places: dict[Any, list[tuple[float, float]]] = {}
    for number, x, y in database.execute(
        f"SELECT annoId, coordinateX, coordinateY FROM Annotations_coordinates WHERE {NUMBERS}"
    ):
        places.setdefault(number, []).append((float(x), float(y)))
    marks: dict[Any, list[Mark]] = {}
    dropped = []
    for uid, slide, name, deleted in _annotations(database):
        where = f"{source.name}: annotation {uid}"
        why = DELETED if deleted else NO_CLASS if name is None else NO_PLACE if uid not in places else ""
        meaning = "drop" if why else classes.meaning(name, where)
        marks.setdefault(slide, [])
        if meaning == "drop":
            dropped.append(Dropped(where, why or f"class {name!r}"))
        else:
            marks[slide].append(around(places[uid], meaning))
    return marks, dropped


def _annotations(database: sqlite3.Connection) -> Iterator[tuple[Any, Any, str | None, Any]]:
    columns = {row[1] for row in database.execute("PRAGMA table_info(Annotations)")}
    deleted = "a.deleted" if "deleted" in columns else "0"
    yield from database.execute(
        f"SELECT a.uid, a.slide, c.name, {deleted} FROM Annotations a "
        "LEFT JOIN Classes c ON c.uid = a.agreedClass ORDER BY a.uid"
    )
