"""ICPR 2012 MITOS: `<frame>.jpg` beside `<frame>.csv`, one line a figure, every pixel of it as x,y,x,y,..."""

from pathlib import Path

from algorithm.frames import Mpp
from training.importers.base import FOLDER, NAMING, Imported, Options
from training.importers.glass import slide_and_glass
from training.importers.pictures import picture_size
from training.importers.tables import read_text
from training.index import Annotation, DataError, IndexedImage

LAYOUT = "<frame>.jpg + <frame>.csv of contour pixels"
OPTIONS = NAMING
SOURCES = FOLDER
MPP = Mpp(0.2456, 0.2456)  # Aperio ScanScope XT; published with the set, not in the files


def recognises(folder: Path) -> bool:
    """Return whether every CSV stands beside a picture of its name."""
    tables = list(folder.glob("*.csv"))
    return bool(tables) and all(table.with_suffix(".jpg").exists() for table in tables)


def read(source: Path, options: Options) -> Imported:
    """Return one image a frame; the slide is the part of the name before the underscore."""
    return Imported([_image(path, options) for path in sorted(source.glob("*.jpg"))], [])


def _image(path: Path, options: Options) -> IndexedImage:
    slide, glass = slide_and_glass(path.stem, options.prefix)
    return IndexedImage(
        dataset=options.data_set or path.parent.name,
        slide=slide,
        path=path,
        size=picture_size(path),
        mpp=options.scale or MPP,
        annotations=tuple(_figures(path.with_suffix(".csv"))),
        glass=glass,
    )


def _figures(table: Path) -> list[Annotation]:
    """Return the middle of each object's bounding box; + 0.5 as the pixels are numbered by their centre."""
    figures = []
    for number, line in enumerate(read_text(table).splitlines(), 1):
        try:
            numbers = [int(value) for value in line.split(",") if value.strip()]
        except ValueError as error:
            raise DataError(f"{table}: line {number}: {error}; a line is x,y,x,y,...") from error
        if len(numbers) % 2:
            raise DataError(f"{table}: line {number}: {len(numbers)} numbers; a line is x,y,x,y,...")
        if numbers:
            xs, ys = numbers[0::2], numbers[1::2]
            figures.append(Annotation((min(xs) + max(xs)) / 2 + 0.5, (min(ys) + max(ys)) / 2 + 0.5, "MF"))
    return figures
