"""ICPR 2012 MITOS: `<frame>.jpg` beside `<frame>.csv`, one line a figure, every pixel of it as x,y,x,y,..."""

from pathlib import Path

from algorithm.frames import Mpp
from training.importers.pictures import picture_size
from training.index import Annotation, IndexedImage

LAYOUT = "<frame>.jpg + <frame>.csv of contour pixels"
# The numbers of MITOS-ATYPIA-14 go on from these slides', and these two are in both sets: perhaps the same glass.
SAME_GLASS = {"A03": "H03", "A04": "H04"}
MPP = Mpp(0.2456, 0.2456)  # Aperio ScanScope XT; published with the set, not in the files


def recognises(folder: Path) -> bool:
    """Return whether every CSV stands beside a picture of its name."""
    tables = list(folder.glob("*.csv"))
    return bool(tables) and all(table.with_suffix(".jpg").exists() for table in tables)


def read(folder: Path) -> list[IndexedImage]:
    """Return one image a frame; the slide is the part of the name before the underscore."""
    return [
        IndexedImage(
            dataset=folder.name,
            slide=path.stem.split("_")[0],
            path=path,
            size=picture_size(path),
            mpp=MPP,
            annotations=tuple(_figures(path.with_suffix(".csv"))),
            glass=SAME_GLASS.get(path.stem.split("_")[0], ""),
        )
        for path in sorted(folder.glob("*.jpg"))
    ]


def _figures(table: Path) -> list[Annotation]:
    """Return the middle of each object's bounding box; + 0.5 as the pixels are numbered by their centre."""
    figures = []
    for line in table.read_text().splitlines():
        numbers = [int(value) for value in line.split(",") if value.strip()]
        if numbers:
            xs, ys = numbers[0::2], numbers[1::2]
            figures.append(Annotation((min(xs) + max(xs)) / 2 + 0.5, (min(ys) + max(ys)) / 2 + 0.5, "MF"))
    return figures
