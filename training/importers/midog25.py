"""MIDOG 2025, atypical figures: MIDOG25.csv. There `NMF` is a normal and `AMF` an atypical mitotic figure."""

from pathlib import Path, PurePosixPath

from training.importers.base import FILE, NAMING, PICTURES, Imported, Options
from training.importers.glass import slide_and_glass
from training.importers.midog import spelt
from training.importers.pictures import Mark, Shelf
from training.importers.tables import Row, read_rows
from training.index import DataError

LAYOUT = "MIDOG25.csv with filename, coordinateX, coordinateY, Tumor, Scanner, Species, majority"
OPTIONS = NAMING | PICTURES
SOURCES = FILE
COLUMNS = ("filename", "coordinateX", "coordinateY", "Tumor", "Scanner", "Species", "majority")
FIGURES = ("NMF", "AMF")
HALF_BOX_PX = 25  # the places are the middles of the boxes of MIDOG++, cut down to whole px


def read(source: Path, options: Options) -> Imported:
    """Return the images with their figures; imposters are not in this table, nor images without a figure."""
    by_name: dict[str, list[Row]] = {}
    for row in read_rows(source, COLUMNS):
        if row.text("majority") not in FIGURES:
            raise DataError(f"{row.where}: majority is {row.text('majority')!r}, not NMF or AMF")
        by_name.setdefault(row.text("filename"), []).append(row)
    shelf = Shelf(source.parent, options)
    images = []
    for name, rows in by_name.items():
        slide, glass = slide_and_glass(PurePosixPath(name).stem, options.prefix, within="MIDOG")
        images.append(
            shelf.indexed(
                name,
                [_mark(row) for row in rows],
                dataset=options.data_set or source.stem,
                slide=slide,
                glass=glass,
                tumour=rows[0].text("Tumor"),
                scanner=spelt(rows[0].text("Scanner")),
                species=rows[0].text("Species").lower(),
            )
        )
    return Imported(images, [], shelf.changed)


def _mark(row: Row) -> Mark:
    x, y = row.number("coordinateX"), row.number("coordinateY")
    return Mark(x - HALF_BOX_PX, y - HALF_BOX_PX, x + HALF_BOX_PX, y + HALF_BOX_PX, "MF")
