"""Pascal VOC: one XML a picture, with `filename`, `size` and objects of `name` and `bndbox`."""

import math
import xml.etree.ElementTree as Xml
from pathlib import Path

from training.importers.base import FILE, FOLDER, NAMING, PICTURES, Dropped, Imported, Options
from training.importers.documents import read_xml
from training.importers.glass import slide_and_glass
from training.importers.labels import Classes
from training.importers.mitos14 import published_scale
from training.importers.pictures import Mark, Shelf
from training.index import DataError

LAYOUT = "<picture>.xml, one or a folder of them, with annotation/object/name and bndbox"
OPTIONS = NAMING | PICTURES | {"classes"}
SOURCES = FILE | FOLDER


def read(source: Path, options: Options) -> Imported:
    """Return one image an XML; the place is the middle of its box."""
    paths = sorted(source.rglob("*.xml")) if source.is_dir() else [source]
    if not paths:
        raise DataError(f"{source}: no XML in it")
    classes, dropped, images = Classes(options), [], []
    shelf = Shelf(source if source.is_dir() else source.parent, options, deep=source.is_dir())
    for path in paths:
        root = read_xml(path, "annotation")
        name = root.findtext("filename", "").strip() or path.stem
        marks = []
        for number, thing in enumerate(root.iterfind("object"), 1):
            where = f"{path}: object {number}"
            label = classes.meaning(thing.findtext("name", "").strip(), where)
            if label == "drop":
                dropped.append(Dropped(where, f"class {thing.findtext('name')!r}"))
                continue
            x1, y1, x2, y2 = (_number(thing, f"bndbox/{side}", where) for side in ("xmin", "ymin", "xmax", "ymax"))
            if x1 > x2 or y1 > y2:
                raise DataError(f"{where}: box ({x1:g}, {y1:g}, {x2:g}, {y2:g}) ends before it begins")
            marks.append(Mark(x1, y1, x2, y2, label))
        slide, glass = slide_and_glass(Path(name).stem, options.prefix)
        dataset = options.data_set or (source.name if source.is_dir() else source.parent.resolve().name)
        texts = {"dataset": dataset, "slide": slide, "glass": glass}
        scale = published_scale(Path(name).stem)
        images.append(shelf.indexed(name, marks, size=_size(root, path), mpp=scale, **texts))
    return Imported(images, dropped, shelf.changed)


def _size(root: Xml.Element, path: Path) -> tuple[int, int] | None:
    if root.find("size") is None:
        return None
    return int(_number(root, "size/width", str(path))), int(_number(root, "size/height", str(path)))


def _number(element: Xml.Element, tag: str, where: str) -> float:
    try:
        value = float(element.findtext(tag, ""))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"{where}: {tag} is {element.findtext(tag)!r}, not a number")
    return value
