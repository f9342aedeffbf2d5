"""Crops of 128 x 128 px around a figure each, side by side on contact sheets, with `index.csv`."""

from pathlib import Path, PurePath

from algorithm.frames import Mpp
from training.importers.base import FOLDER, NAMING, Imported, Options
from training.importers.glass import named, slide_and_glass
from training.importers.pictures import picture_size
from training.importers.tables import Row, header, read_rows
from training.index import Annotation, DataError, IndexedImage

LAYOUT = "<sheet>.jpg + index.csv with sheet, col, row, label, domain"
OPTIONS = NAMING
SOURCES = FOLDER
COLUMNS = ("sheet", "col", "row", "label", "domain")
CELL_PX = 128
MPP = Mpp(0.25, 0.25)  # "native" of several scanners; near this in all of them, and not given for each


def recognises(folder: Path) -> bool:
    """Return whether index.csv tells the cells of sheets."""
    index = folder / "index.csv"
    return index.exists() and set(COLUMNS) <= set(header(index))


def read(source: Path, options: Options) -> Imported:
    """Return one image a crop, its figure in the middle. Other figures in a crop are not annotated by the source."""
    images: list[IndexedImage] = []
    sizes: dict[str, tuple[int, int]] = {}
    for row in read_rows(source / "index.csv", COLUMNS):
        sheet = row.text("sheet")
        if row.text("label") != "MF":
            raise DataError(f"{row.where}: label {row.text('label')!r}; crops are of figures (MF) alone")
        if sheet not in sizes:
            sizes[sheet] = picture_size(source / sheet)
        images.append(_crop(row, source, sizes[sheet], options))
    return Imported(images, [])


def _crop(row: Row, folder: Path, sheet_px: tuple[int, int], options: Options) -> IndexedImage:
    x, y = CELL_PX * row.count("col"), CELL_PX * row.count("row")
    if x + CELL_PX > sheet_px[0] or y + CELL_PX > sheet_px[1]:
        raise DataError(f"{row.where}: the cell leaves {row.text('sheet')} of {sheet_px[0]} x {sheet_px[1]} px")
    slide, glass = _slide(row, folder, options.prefix)
    domain = row.text("domain")
    return IndexedImage(
        dataset=options.data_set or folder.name,
        slide=slide,
        path=folder / row.text("sheet"),
        size=(CELL_PX, CELL_PX),
        mpp=options.scale or MPP,
        annotations=(Annotation(CELL_PX / 2, CELL_PX / 2, "MF"),),
        glass=glass,
        scanner=row.text("scanner"),
        tumour=domain,
        species="human" if domain.startswith("human") else "",
        window=(x, y, CELL_PX, CELL_PX),
    )


def _slide(row: Row, folder: Path, prefix: str | None) -> tuple[str, str]:
    """Return slide and glass; a crop of an unknown slide is a slide of its own."""
    stem = PurePath(row.text("slide")).stem
    if not stem:
        own = row.text("source_name") or f"{row.text('sheet')}/{row.text('col')}/{row.text('row')}"
        return named(own, f"{folder.name}/" if prefix is None else prefix)
    return slide_and_glass(stem, prefix, within=row.text("domain"))
