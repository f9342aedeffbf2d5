"""What a person sees of mined places: their list, a sheet of the hardest, a table."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import StringIO

import PIL.Image
from rich.table import Table

from algorithm.errors import ImageError
from training.index import Annotation, IndexedImage
from training.inspection.crops import BOX_UM, CROP_UM, Place, cut
from training.inspection.sheets import COLUMNS, MOST_ROWS, draw_sheets
from training.mining.rule import Mined

LIST_COLUMNS = ("cell", "dataset", "slide", "image", "x", "y", "score")
ON_SHEET = COLUMNS * MOST_ROWS


@dataclass(frozen=True)
class Ranked:
    """One new imposter in its image."""

    image: IndexedImage
    x: float
    y: float
    score: float


def ranking(mined: Sequence[Mined]) -> list[Ranked]:
    """Return all new imposters, highest score first; their number in it, from 1, is their cell on the sheet."""
    every = [
        Ranked(one.image, x, y, score)
        for one in mined
        for (x, y), score in zip(one.xy.tolist(), one.score.tolist(), strict=True)
    ]
    return sorted(every, key=lambda r: (-r.score, r.image.dataset, r.image.name, r.y, r.x))


def list_csv(ranked: Sequence[Ranked]) -> bytes:
    """Return the list as a CSV, from which a person copies the lines of figures."""
    text = StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(LIST_COLUMNS)
    for number, one in enumerate(ranked, start=1):
        image = one.image
        place = f"{one.x:.1f}", f"{one.y:.1f}"
        table.writerow([number, image.dataset, image.slide, image.name, *place, f"{one.score:.4f}"])
    return text.getvalue().encode()


def hardest(ranked: Sequence[Ranked]) -> PIL.Image.Image:
    """Return a sheet of those with the highest scores. Raises ImageError for a picture that cannot be read."""
    places = []
    for number, one in enumerate(ranked[:ON_SHEET], start=1):
        cell = Annotation(one.x, one.y, "NMF")
        image = replace(one.image, annotations=(*one.image.annotations, cell))
        places.append(Place(image, cell, note=f"{number}.  score {one.score:.2f} "))
    cells, failures = cut(places)
    if failures:
        raise ImageError(failures[0])
    unsorted = [replace(cell, section="", group="") for cell in cells]  # ranks, not slides, are in order
    subtitle = (
        f"{len(cells)} of {len(ranked)}, highest score first. Crops of {CROP_UM:g} um, boxes of {BOX_UM:g} um. "
        "Look for true figures among them."
    )
    return draw_sheets("The hardest of the mined imposters", subtitle, unsorted)[0]


def summary(mined: Sequence[Mined]) -> Table:
    """Return what was found, by data set and slide, for a terminal."""
    table = Table(title="mined")
    columns = ("images", "mm2", "detections", "by figures", "by border", "known", "mined", "mined per mm2")
    for column in ("data", "slide", *columns):
        table.add_column(column, justify="right" if column in columns else "left")
    for dataset, slide in sorted({(one.image.dataset, one.image.slide) for one in mined}):
        of_slide = [one for one in mined if (one.image.dataset, one.image.slide) == (dataset, slide)]
        table.add_row(dataset, slide, *_numbers(of_slide))
    table.add_row("all", "", *_numbers(mined), style="bold")
    return table


def _numbers(mined: Sequence[Mined]) -> list[str]:
    area = sum(one.area_mm2 for one in mined)
    new = sum(len(one.xy) for one in mined)
    counts = [sum(getattr(one, field) for one in mined) for field in ("detections", "by_figures", "by_border", "known")]
    return [str(len(mined)), f"{area:.2f}", *map(str, counts), str(new), f"{new / area:.1f}"]
