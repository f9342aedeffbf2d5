"""Folders of tiles by class (NCT-CRC-HE-100K, SPIDER): tissue without annotations, to mine false figures in."""

from pathlib import Path

from algorithm.images import SUFFIXES
from training.importers.base import FOLDER, NAMING, Imported, Options
from training.importers.pictures import Shelf
from training.index import DataError

LAYOUT = "<class>/<tile>.tif, of the classes named with --classes"
OPTIONS = NAMING | {"classes"}
SOURCES = FOLDER


def read(source: Path, options: Options) -> Imported:
    """Return one image a tile. A class is a data set `<folder>/<class>` and one slide: names of tiles tell none."""
    there = sorted(path.name for path in source.iterdir() if path.is_dir())
    if not options.classes:
        raise DataError(f"{source}: name the classes with --classes (there are: {', '.join(there) or 'none'})")
    images = []
    for name in options.classes:
        if name not in there:
            raise DataError(f"{source}: no folder of class {name!r} (there are: {', '.join(there) or 'none'})")
        paths = sorted(path for path in (source / name).rglob("*") if path.suffix.lower() in SUFFIXES)
        if not paths:
            raise DataError(f"{source / name}: no picture in it")
        dataset = f"{options.data_set or source.resolve().name}/{name}"
        shelf = Shelf(source / name, options, deep=True)
        texts = {"dataset": dataset, "slide": (options.prefix or "") + dataset}
        images += [shelf.indexed(str(path.relative_to(source / name)), [], **texts) for path in paths]
    return Imported(images)
