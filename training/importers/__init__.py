"""A folder -> a list of IndexedImage: an index, or a published data set, which is seen from what the folder holds."""

from pathlib import Path

from algorithm.errors import ImageError
from training.importers import canine_tiles, crops, icpr2012, points
from training.importers.base import Options
from training.index import IndexedImage, check, usable
from training.store import is_index, read_index

FORMATS = (points, crops, canine_tiles, icpr2012)  # icpr2012 last: any folder of CSV contours looks like it


def read_folder(folder: Path) -> list[IndexedImage]:
    """Return the images of one data folder, sorted by name, ready to be trained on.

    Raises ImageError for an unknown layout, DataError for data that cannot be used.
    """
    if not folder.is_dir():
        raise ImageError(f"{folder}: no such folder")
    if is_index(folder):
        return usable(read_index(folder), str(folder))
    for layout in FORMATS:
        if layout.recognises(folder):
            images = sorted(
                layout.read(folder, Options()).images, key=lambda image: (image.path.name, image.window or ())
            )
            check(images, str(folder))
            return usable(images, str(folder))
    known = "; ".join(f"{layout.__name__.rsplit('.', 1)[1]}: {layout.LAYOUT}" for layout in FORMATS)
    raise ImageError(f"{folder}: not a data set of a known layout ({known})")


def read_folders(folders: list[Path]) -> list[IndexedImage]:
    """Return the images of several folders, in the order given."""
    return [image for folder in folders for image in read_folder(folder)]
