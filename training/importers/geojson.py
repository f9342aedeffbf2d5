"""GeoJSON of QuPath: one `<picture>.geojson` a slide, as `File > Export objects as GeoJSON` writes it.

A FeatureCollection, or a plain list of features; `properties.classification.name` is the class. Coordinates are px
of the full resolution from the top left corner (https://qupath.readthedocs.io, "Exporting annotations").
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from training.importers.base import FILE, FOLDER, NAMING, PICTURES, Dropped, Imported, Options
from training.importers.documents import field, numbers, read_json
from training.importers.glass import slide_and_glass
from training.importers.labels import Classes
from training.importers.pictures import Mark, Shelf, around
from training.index import DataError

LAYOUT = "<picture>.geojson, one or a folder of them, features of a point or a polygon with a classification"
OPTIONS = NAMING | PICTURES | {"classes"}
SOURCES = FILE | FOLDER
DEPTHS = {"Point": 0, "MultiPoint": 1, "LineString": 1, "Polygon": 2, "MultiPolygon": 3}
NO_CLASS = "no classification"


def read(source: Path, options: Options) -> Imported:
    """Return one image a file, the picture of the same name; the place is the middle of a feature's bounding box."""
    paths = sorted(source.rglob("*.geojson")) if source.is_dir() else [source]
    if not paths:
        raise DataError(f"{source}: no .geojson in it")
    shelf = Shelf(source if source.is_dir() else source.parent, options, deep=source.is_dir())
    classes, dropped, images = Classes(options), [], []
    for path in paths:
        marks: list[Mark] = []
        for number, feature in enumerate(_features(read_json(path), path), 1):
            where = f"{path}: feature {number}"
            name = _class(feature, where)
            meaning = classes.meaning(name, where) if name else "drop"
            if meaning == "drop":
                dropped.append(Dropped(where, f"class {name!r}" if name else NO_CLASS))
                continue
            marks += [around(places, meaning) for places in _cells(field(feature, "geometry", where), where)]
        slide, glass = slide_and_glass(path.stem, options.prefix)
        dataset = options.data_set or (source.name if source.is_dir() else source.parent.resolve().name)
        images.append(shelf.indexed(path.stem, marks, dataset=dataset, slide=slide, glass=glass))
    return Imported(images, dropped, shelf.changed)


def _features(document: Any, path: Path) -> list[Any]:
    features = document.get("features") if isinstance(document, dict) else document
    if not isinstance(features, list):
        raise DataError(f"{path}: no FeatureCollection and no list of features; is it of another format?")
    return features


def _class(feature: Any, where: str) -> str:
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise DataError(f"{where}: no feature of GeoJSON; is it of another format?")
    properties = feature.get("properties")
    classification = properties.get("classification") if isinstance(properties, dict) else None
    if isinstance(classification, dict):
        return str(classification.get("name") or "")
    return str(classification or "")


def _cells(geometry: Any, where: str) -> Iterator[list[tuple[float, float]]]:
    """Yield the places of each cell: QuPath keeps the points of a class in one MultiPoint."""
    kind = field(geometry, "type", where)
    if kind not in DEPTHS:
        raise DataError(f"{where}: a geometry of type {kind!r}; read are {', '.join(DEPTHS)}")
    places = list(_flat(field(geometry, "coordinates", where), DEPTHS[kind], where))
    if not places:
        raise DataError(f"{where}: a {kind} without coordinates")
    yield from ([place] for place in places) if kind == "MultiPoint" else [places]


def _flat(coordinates: Any, depth: int, where: str) -> Iterator[tuple[float, float]]:
    if not isinstance(coordinates, list):
        raise DataError(f"{where}: coordinates {coordinates!r} are no list")
    if depth == 0:
        x, y = numbers(coordinates[:2], 2, f"{where}: coordinates")
        yield x, y
        return
    for part in coordinates:
        yield from _flat(part, depth - 1, where)
