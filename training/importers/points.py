"""MITOS-ATYPIA-14 with `points.csv`: whole frames, or windows cut around the figures of other frames."""

from pathlib import Path

from training.importers.base import FOLDER, NAMING, Imported, Options
from training.importers.glass import slide_and_glass
from training.importers.mitos14 import published_scale
from training.importers.pictures import picture_size
from training.importers.tables import read_rows
from training.index import Annotation, DataError, IndexedImage

LAYOUT = "<frame or window>.jpg + points.csv with frame or patch, x, y, label"
OPTIONS = NAMING
SOURCES = FOLDER


def recognises(folder: Path) -> bool:
    """Return whether the folder holds a points.csv."""
    return (folder / "points.csv").exists()


def read(source: Path, options: Options) -> Imported:
    """Return one image a picture; the slide is scanner letter + number, as in `H03`."""
    by_picture: dict[str, list[Annotation]] = {}
    for row in read_rows(source / "points.csv", ("frame", "x", "y", "label")):
        label = row.text("label")
        if label not in ("MF", "NMF"):
            raise DataError(f"{row.where}: label {label!r} is neither MF nor NMF")
        picture = row.text("patch") or row.text("frame")
        by_picture.setdefault(picture, []).append(Annotation(row.number("x"), row.number("y"), label))
    pictures = sorted(source.glob("*.jpg"))
    absent = sorted(set(by_picture) - {path.stem for path in pictures})
    if absent:
        raise DataError(f"{source}: points of {absent[0]}, and no picture of that name ({len(absent)} in all)")
    return Imported([_image(path, by_picture.get(path.stem, []), options) for path in pictures], [])


def _image(path: Path, annotations: list[Annotation], options: Options) -> IndexedImage:
    slide, glass = slide_and_glass(path.stem, options.prefix)
    return IndexedImage(
        dataset=options.data_set or path.parent.name,
        slide=slide,
        path=path,
        size=picture_size(path),
        mpp=options.scale or published_scale(path.stem),
        annotations=tuple(annotations),
        glass=glass,
    )
