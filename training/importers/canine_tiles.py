"""Tiles of canine skin without figures: `index.csv` with the imposters' places."""

from pathlib import Path

from algorithm.frames import Mpp
from training.importers.base import FOLDER, NAMING, Imported, Options
from training.importers.pictures import picture_size
from training.importers.tables import Row, header, read_rows
from training.index import Annotation, DataError, IndexedImage

LAYOUT = "<tile>.jpg + index.csv with file, width, height, nmf_points_xy"
OPTIONS = NAMING
SOURCES = FOLDER
COLUMNS = ("file", "width", "height", "nmf_points_xy")
MPP = Mpp(0.25, 0.25)  # Aperio ScanScope CS2 at 40x; general knowledge of the set, not in the files


def recognises(folder: Path) -> bool:
    """Return whether the index names imposters by place."""
    index = folder / "index.csv"
    return index.exists() and set(COLUMNS) <= set(header(index))


def read(source: Path, options: Options) -> Imported:
    """Return one image a tile; the slide is the second part of the name."""
    return Imported([_tile(row, source, options) for row in read_rows(source / "index.csv", COLUMNS)], [])


def _tile(row: Row, folder: Path, options: Options) -> IndexedImage:
    name = row.text("file")
    size, found = (row.count("width"), row.count("height")), picture_size(folder / name)
    if size != found:
        raise DataError(f"{row.where}: {name} of {size[0]} x {size[1]} px, the picture has {found[0]} x {found[1]}")
    return IndexedImage(
        dataset=options.data_set or folder.name,
        slide=(options.prefix or "") + name.split("_")[1],
        path=folder / name,
        size=size,
        mpp=options.scale or MPP,
        annotations=tuple(_imposters(row)),
    )


def _imposters(row: Row) -> list[Annotation]:
    try:
        places = [tuple(map(float, pair.split())) for pair in row.text("nmf_points_xy").split(";") if pair.strip()]
        return [Annotation(x, y, "NMF") for x, y in places]
    except ValueError as error:
        raise DataError(f"{row.where}: nmf_points_xy: {error}; it is `x y` joined by `;`") from error
