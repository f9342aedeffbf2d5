"""COCO: images, categories and annotations with `bbox` = x, y of the top left corner, width, height.

The data format is that of https://cocodataset.org/#format-data; all images are listed, those without objects too.
"""

from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from training.importers.base import FILE, NAMING, PICTURES, Dropped, Imported, Options
from training.importers.documents import entries, field, numbers, read_json
from training.importers.glass import slide_and_glass
from training.importers.labels import Classes
from training.importers.pictures import Mark, Shelf
from training.index import DataError

LAYOUT = "instances.json with images, categories and annotations of bbox x, y, width, height"
OPTIONS = NAMING | PICTURES | {"classes"}
SOURCES = FILE
Corners = Callable[[list[float], str], tuple[float, float, float, float]]


def read(source: Path, options: Options) -> Imported:
    """Return all images; one without annotations is a negative."""
    document = read_json(source)
    info = document.get("info") if isinstance(document, dict) else None
    if isinstance(info, dict) and "MIDOG" in str(info.get("description")):
        raise DataError(f"{source}: a file of MIDOG, whose boxes are two corners; `import midog` reads it")
    marks, dropped = marks_of(document, source, Classes(options), _corners)
    shelf = Shelf(source.parent, options)
    images = []
    for image, size in images_of(document, source):
        name = str(field(image, "file_name", str(source)))
        for mark in marks.get(image["id"], []):
            _check_box(mark, size, f"{source}: {name}")
        slide, glass = slide_and_glass(PurePosixPath(name).stem, options.prefix)
        texts = {"dataset": options.data_set or source.stem, "slide": slide, "glass": glass}
        images.append(shelf.indexed(name, marks.get(image["id"], []), size=size, **texts))
    return Imported(images, dropped, shelf.changed)


def images_of(document: Any, source: Path) -> list[tuple[dict[str, Any], tuple[int, int]]]:
    """Return each image's entry and its size. Raises DataError, also for an id given twice."""
    seen = set()
    found = []
    for image in entries(document, "images", str(source)):
        width, height, number = (field(image, name, f"{source}: an image") for name in ("width", "height", "id"))
        if number in seen:
            raise DataError(f"{source}: image id {number} is given twice")
        seen.add(number)
        width, height = numbers([width, height], 2, f"{source}: image {number}: size")
        found.append((image, (int(width), int(height))))
    return found


def marks_of(
    document: Any, source: Path, classes: Classes, corners: Corners
) -> tuple[dict[Any, list[Mark]], list[Dropped]]:
    """Return the marks by image id, and what was dropped; corners: what the four numbers of a bbox are."""
    names = {
        field(entry, "id", f"{source}: a category"): str(field(entry, "name", f"{source}: a category"))
        for entry in entries(document, "categories", str(source))
    }
    known = {image["id"] for image, _ in images_of(document, source)}
    marks: dict[Any, list[Mark]] = {}
    dropped = []
    for number, entry in enumerate(entries(document, "annotations", str(source))):
        where = f"{source}: annotation {entry.get('id', number) if isinstance(entry, dict) else number}"
        image, category = field(entry, "image_id", where), field(entry, "category_id", where)
        if image not in known or category not in names:
            what = f"image {image}" if image not in known else f"category {category}"
            raise DataError(f"{where}: of {what}, which the file does not list")
        meaning = classes.meaning(names[category], where)
        if meaning == "drop":
            dropped.append(Dropped(where, f"class {names[category]!r}"))
            continue
        box = corners(numbers(field(entry, "bbox", where), 4, f"{where}: bbox"), where)
        marks.setdefault(image, []).append(Mark(*box, meaning))
    return marks, dropped


def _corners(bbox: list[float], where: str) -> tuple[float, float, float, float]:
    x, y, width, height = bbox
    if width < 0 or height < 0:
        raise DataError(f"{where}: bbox {bbox}: width and height cannot be negative")
    return x, y, x + width, y + height


def _check_box(mark: Mark, size: tuple[int, int], where: str) -> None:
    """Refuse boxes that leave the image by more than half of themselves: width and height are corners, perhaps."""
    if (mark.x1 + mark.x2) / 2 > size[0] or (mark.y1 + mark.y2) / 2 > size[1]:
        box = [mark.x1, mark.y1, mark.x2 - mark.x1, mark.y2 - mark.y1]
        raise DataError(
            f"{where}: bbox {box} as x, y, width, height leaves the image of {size[0]} x {size[1]} px; "
            "if it is two corners, `import midog` reads it"
        )
