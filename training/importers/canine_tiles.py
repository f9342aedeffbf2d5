"""Tiles of canine skin without figures: `index.csv` with the imposters' places."""

import csv
from pathlib import Path

from algorithm.frames import Mpp
from training.index import Annotation, IndexedImage

LAYOUT = "<tile>.jpg + index.csv with file, width, height, nmf_points_xy"
MPP = Mpp(0.25, 0.25)  # Aperio ScanScope CS2 at 40x; general knowledge of the set, not in the files


def recognises(folder: Path) -> bool:
    """Return whether the index names imposters by place."""
    index = folder / "index.csv"
    if not index.exists():
        return False
    with index.open() as file:
        return "nmf_points_xy" in file.readline()


def read(folder: Path) -> list[IndexedImage]:
    """Return one image a tile; the slide is the second part of the name."""
    with (folder / "index.csv").open(newline="") as file:
        return [
            IndexedImage(
                dataset=folder.name,
                slide=row["file"].split("_")[1],
                path=folder / row["file"],
                size=(int(row["width"]), int(row["height"])),
                mpp=MPP,
                annotations=tuple(_imposters(row["nmf_points_xy"])),
            )
            for row in csv.DictReader(file)
        ]


def _imposters(text: str) -> list[Annotation]:
    places = [pair.split() for pair in text.split(";") if pair.strip()]
    return [Annotation(float(x), float(y), "NMF") for x, y in places]
