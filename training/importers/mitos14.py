"""MITOS-ATYPIA-14 as the contest gives it: `<frame>_mitosis.csv`, `<frame>_not_mitosis.csv`, rows x,y,confidence.

The tables may lie beside the frames or in a tree of folders (the contest: `A03/mitosis/`, `A03/frames/x40/`), or merged
into one file with the columns frame, label, x, y, confidence.
"""

from pathlib import Path

from algorithm.frames import Mpp
from training.importers import icpr2012
from training.importers.base import FILE, FOLDER, NAMING, PICTURES, Imported, Options
from training.importers.glass import CONTEST_FRAME, slide_and_glass
from training.importers.pictures import Mark, Shelf, point
from training.importers.tables import Row, header, read_plain_rows, read_rows
from training.index import DataError, Label

LAYOUT = "<frame>.jpg + <frame>_mitosis.csv, <frame>_not_mitosis.csv of x,y,confidence, in one folder or a tree"
OPTIONS = NAMING | PICTURES
SOURCES = FILE | FOLDER
ENDINGS: dict[str, Label] = {"_not_mitosis.csv": "NMF", "_mitosis.csv": "MF"}  # the longer one first
COLUMNS = ("x", "y", "confidence")
MERGED_COLUMNS = ("frame", "label", "x", "y")
MPP_BY_SCANNER = {  # published with the contest, not in the files
    "H": Mpp(0.2275, 0.2275),  # Hamamatsu NanoZoomer 2.0-HT
    "A": Mpp(0.2455, 0.2455),  # Aperio ScanScope XT
}
SCANNERS = {"H": "Hamamatsu NanoZoomer 2.0-HT", "A": "Aperio ScanScope XT"}


def recognises(folder: Path) -> bool:
    """Return whether there is a table of figures in the folder or below it."""
    return next(folder.rglob("*_mitosis.csv"), None) is not None


def read(source: Path, options: Options) -> Imported:
    """Return one image a frame of which there is a table; an empty table is a frame without such cells."""
    marks = _marks_of_tree(source) if source.is_dir() else _marks_of_file(source)
    if not marks:
        raise DataError(f"{source}: no {' and no '.join(f'<frame>{ending}' for ending in ENDINGS)}, nor rows of points")
    folder = source if source.is_dir() else source.parent
    shelf = Shelf(folder, options, deep=source.is_dir())
    images = []
    for frame, cells in sorted(marks.items()):
        slide, glass = slide_and_glass(frame, options.prefix)
        texts = {
            "slide": slide,
            "glass": glass,
            "dataset": options.data_set or (source.name if source.is_dir() else source.stem),
        }
        facts = {"scanner": SCANNERS.get(frame[0], ""), "tumour": "human breast cancer", "species": "human"}
        images.append(shelf.indexed(f"{frame}.tiff", cells, mpp=published_scale(frame), **texts, **facts))
    return Imported(images, [], shelf.changed)


def published_scale(stem: str) -> Mpp | None:
    """Return um/px of a frame of either contest by its name, None of any other picture."""
    frame = CONTEST_FRAME.match(stem)
    if frame is None:
        return None
    if frame["quadrant"]:
        return MPP_BY_SCANNER[frame["scanner"]]
    return icpr2012.MPP if frame["scanner"] == "A" else None


def _marks_of_tree(folder: Path) -> dict[str, list[Mark]]:
    marks: dict[str, list[Mark]] = {}
    tables: dict[str, Path] = {}
    for path in sorted(folder.rglob("*_mitosis.csv")):
        if other := tables.get(path.name):
            raise DataError(f"{path}: {other} is of the same frame; keep one of them")
        tables[path.name] = path
        ending, label = next((ending, label) for ending, label in ENDINGS.items() if path.name.endswith(ending))
        marks.setdefault(path.name.removesuffix(ending), []).extend(
            _mark(row, label) for row in read_plain_rows(path, COLUMNS)
        )
    return marks


def _marks_of_file(path: Path) -> dict[str, list[Mark]]:
    marks: dict[str, list[Mark]] = {}
    if not set(MERGED_COLUMNS) <= set(header(path)):
        raise DataError(f"{path}: no columns {', '.join(MERGED_COLUMNS)}; give the folder of the contest's own tables")
    for row in read_rows(path, MERGED_COLUMNS):
        label = row.text("label")
        if label not in ("MF", "NMF"):
            raise DataError(f"{row.where}: label {label!r} is neither MF nor NMF")
        marks.setdefault(row.text("frame"), []).append(_mark(row, label))
    return marks


def _mark(row: Row, label: Label) -> Mark:
    return point(row.number("x"), row.number("y"), label)
