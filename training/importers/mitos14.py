"""MITOS-ATYPIA-14 with `points.csv`: whole frames, or windows cut around the figures of other frames."""

import csv
from pathlib import Path

from algorithm.frames import Mpp
from training.importers.pictures import picture_size
from training.index import Annotation, IndexedImage, Label

LAYOUT = "<frame or window>.jpg + points.csv with slide, scanner, x, y, label"
MPP_BY_SCANNER = {  # published with the contest, not in the files
    "H": Mpp(0.2275, 0.2275),  # Hamamatsu NanoZoomer 2.0-HT
    "A": Mpp(0.2455, 0.2455),  # Aperio ScanScope XT
}
SAME_SLIDE = {"A03": "H03"}  # one slide on two scanners
LABELS: dict[str, Label] = {"MF": "MF", "NMF": "NMF"}


def recognises(folder: Path) -> bool:
    """Return whether the folder holds a points.csv."""
    return (folder / "points.csv").exists()


def read(folder: Path) -> list[IndexedImage]:
    """Return one image a picture; the slide is scanner letter + number, as in `H03`."""
    with (folder / "points.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    by_picture: dict[str, list[Annotation]] = {}
    for row in rows:
        picture = row.get("patch") or row["frame"]
        place = Annotation(float(row["x"]), float(row["y"]), LABELS[row["label"]])
        by_picture.setdefault(picture, []).append(place)
    return [
        IndexedImage(
            dataset=folder.name,
            slide=SAME_SLIDE.get(path.stem[:3], path.stem[:3]),
            path=path,
            size=picture_size(path),
            mpp=MPP_BY_SCANNER[path.stem[0]],
            annotations=tuple(by_picture.get(path.stem, [])),
        )
        for path in sorted(folder.glob("*.jpg"))
    ]
