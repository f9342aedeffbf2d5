"""MIDOG 2021 and MIDOG++: a COCO-like JSON whose `bbox` is two corners, x1 y1 x2 y2."""

from pathlib import Path, PurePosixPath

from training.importers.base import FILE, NAMING, PICTURES, Dropped, Imported, Options
from training.importers.coco import images_of, marks_of
from training.importers.documents import field, read_json
from training.importers.glass import slide_and_glass
from training.importers.labels import Classes
from training.importers.pictures import Shelf
from training.importers.tables import read_rows
from training.index import DataError

LAYOUT = "MIDOG.json or MIDOG++.json with images, categories and annotations of bbox x1, y1, x2, y2"
OPTIONS = NAMING | PICTURES | {"metadata"}
SOURCES = FILE
METADATA_COLUMNS = ("Slide", "Tumor", "Scanner", "Species")
UNLABELLED = "no annotation at all: not labelled, so no negative"
MISSPELT = {"Hamammatsu": "Hamamatsu"}  # in datasets_xvalidation.csv and MIDOG25.csv
SPECIES = ("human", "canine", "feline")  # with these the names of tumours begin


def read(source: Path, options: Options) -> Imported:
    """Return the labelled images; `metadata`, datasets_xvalidation.csv, adds what the JSON does not tell."""
    document = read_json(source)
    marks, dropped = marks_of(document, source, Classes(options), _corners)
    known = _metadata(options.metadata)
    shelf = Shelf(source.parent, options)
    images = []
    for image, size in images_of(document, source):
        name = str(field(image, "file_name", str(source)))
        if image["id"] not in marks:
            dropped.append(Dropped(name, UNLABELLED))
            continue
        stem = PurePosixPath(name).stem
        slide, glass = slide_and_glass(stem, options.prefix, within="MIDOG")
        texts = {"dataset": options.data_set or source.stem, "slide": slide, "glass": glass}
        facts = known.get(stem, {})
        tumour = str(image.get("tumor_type") or facts.get("tumour", ""))
        facts = {"species": species_of(tumour), **facts, "tumour": tumour}
        images.append(shelf.indexed(name, marks[image["id"]], size=size, **texts, **facts))
    return Imported(images, dropped, shelf.changed)


def species_of(tumour: str) -> str:
    """Return the species with which the name of a tumour begins."""
    first = tumour.lower().split(" ")[0]
    return first if first in SPECIES else ""


def spelt(scanner: str) -> str:
    """Return the scanner's name without the misspelling of the published tables."""
    for wrong, right in MISSPELT.items():
        scanner = scanner.replace(wrong, right)
    return scanner


def _metadata(path: Path | None) -> dict[str, dict[str, str]]:
    if path is None:
        return {}
    return {
        f"{row.count('Slide'):03}": {
            "tumour": row.text("Tumor"),
            "scanner": spelt(row.text("Scanner")),
            "species": row.text("Species").lower(),
        }
        for row in read_rows(path, METADATA_COLUMNS, delimiter=";")
    }


def _corners(bbox: list[float], where: str) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = bbox
    if x1 >= x2 or y1 >= y2:
        raise DataError(f"{where}: bbox {bbox} is no x1, y1, x2, y2; if it is x, y, width, height: `import coco`")
    return x1, y1, x2, y2
