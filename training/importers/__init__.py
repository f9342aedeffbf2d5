"""From data as they are published to a list of IndexedImage: FORMATS by name, and folders seen by what they hold."""

from pathlib import Path

from algorithm.errors import ImageError
from training.importers import (
    canine_tiles,
    coco,
    crops,
    exact,
    geojson,
    icpr2012,
    midog,
    midog25,
    mitos14,
    points,
    sliderunner,
    table,
    tiles,
    voc,
)
from training.importers.base import Options
from training.index import IndexedImage, check, usable
from training.store import is_index, read_index

FORMATS = {
    "midog": midog, "midog25": midog25, "sliderunner": sliderunner, "icpr2012": icpr2012, "mitos14": mitos14,
    "voc": voc, "points": points, "crops": crops, "canine_tiles": canine_tiles, "exact": exact, "coco": coco,
    "geojson": geojson, "tiles": tiles, "csv": table,
}  # fmt: skip
# icpr2012 last: any folder of pictures with a CSV each looks like it
FOLDERS = {name: FORMATS[name] for name in ("points", "crops", "canine_tiles", "mitos14", "icpr2012")}


def read_folder(folder: Path) -> list[IndexedImage]:
    """Return the images of one data folder, sorted by name, ready to be trained on.

    Raises ImageError for an unknown layout, DataError for data that cannot be used.
    """
    if not folder.is_dir():
        raise ImageError(f"{folder}: no such folder")
    if is_index(folder):
        return usable(read_index(folder), str(folder))
    for layout in FOLDERS.values():
        if layout.recognises(folder):
            found = layout.read(folder, Options()).images
            images = sorted(found, key=lambda image: (image.path.name, image.window or ()))
            check(images, str(folder))
            return usable(images, str(folder))
    known = "; ".join(f"{name}: {layout.LAYOUT}" for name, layout in FOLDERS.items())
    raise ImageError(
        f"{folder}: not a data set of a known layout ({known}); `python -m training import` makes an index of others"
    )


def read_folders(folders: list[Path]) -> list[IndexedImage]:
    """Return the images of several folders, in the order given."""
    return [image for folder in folders for image in read_folder(folder)]
