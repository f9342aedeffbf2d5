"""A lab's own data as one CSV: image, x, y, label, and perhaps slide, scanner, tumour, species, dataset, mpp.

x and y are px from the top left corner of the top left pixel. Where x, y and label are empty, the image has no cells.
"""

from pathlib import Path, PurePosixPath

from algorithm.frames import Mpp
from training.importers.base import FILE, NAMING, PICTURES, Dropped, Imported, Options
from training.importers.glass import named, slide_and_glass
from training.importers.labels import Classes
from training.importers.pictures import Shelf, point
from training.importers.tables import Row, read_rows
from training.index import DataError, IndexedImage

LAYOUT = "<name>.csv with image, x, y, label (and slide, scanner, tumour, species, dataset, mpp)"
OPTIONS = NAMING | PICTURES | {"classes"}
SOURCES = FILE
COLUMNS = ("image", "x", "y", "label")
FACTS = ("slide", "scanner", "tumour", "species", "dataset", "mpp")


def read(source: Path, options: Options) -> Imported:
    """Return the images in the order in which they are first named."""
    by_image: dict[str, list[Row]] = {}
    for row in read_rows(source, COLUMNS):
        if not row.text("image"):
            raise DataError(f"{row.where}: no name of an image")
        by_image.setdefault(row.text("image"), []).append(row)
    if not by_image:
        raise DataError(f"{source}: no row below the header")
    shelf = Shelf(source.parent, options, deep=True)
    classes, dropped = Classes(options), []
    images = [_image(name, rows, shelf, source, options, classes, dropped) for name, rows in by_image.items()]
    return Imported(images, dropped, shelf.changed)


def _image(
    name: str,
    rows: list[Row],
    shelf: Shelf,
    source: Path,
    options: Options,
    classes: Classes,
    dropped: list[Dropped],
) -> IndexedImage:
    marks = []
    for row in rows:
        if row.text("x") or row.text("y") or row.text("label"):
            x, y, label = row.number("x"), row.number("y"), classes.meaning(row.text("label"), row.where)
            if label == "drop":
                dropped.append(Dropped(row.where, f"class {row.text('label')!r}"))
            else:
                marks.append(point(x, y, label))
    facts = {fact: _agreed(rows, fact) for fact in FACTS}
    mpp = next((row.number("mpp") for row in rows if row.text("mpp")), None)
    stated = facts["slide"]
    slide, glass = (
        named(stated, options.prefix or "") if stated else slide_and_glass(PurePosixPath(name).stem, options.prefix)
    )
    return shelf.indexed(
        name,
        marks,
        mpp=None if mpp is None else Mpp(mpp, mpp),
        dataset=options.data_set or facts["dataset"] or source.stem,
        slide=slide,
        glass=glass,
        **{fact: facts[fact] for fact in ("scanner", "tumour", "species")},
    )


def _agreed(rows: list[Row], fact: str) -> str:
    """Return what the rows of an image say of it. Raises DataError where they differ."""
    said = {row.text(fact): row for row in rows if row.text(fact)}
    if len(said) > 1:
        first, second = list(said)[:2]
        raise DataError(f"{said[second].where}: {fact} {second!r}, {first!r} in another row of the same image")
    return next(iter(said), "")
