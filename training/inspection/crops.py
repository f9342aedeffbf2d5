"""Which cells are looked at, and their crops cut from the pictures: each file is opened once."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from algorithm.errors import ImageError
from algorithm.frames import Mpp
from algorithm.images import Image, open_image
from training.index import Annotation, IndexedImage
from training.inspection.sheets import CROP_PX, Cell, Mark
from training.opening import as_indexed

BOX_UM = 16.0  # what networks learn to draw: box_um of training/configs/_base_.py
CROP_UM = 48.0  # three boxes: the cell and its neighbours
SUPPOSED_MPP = Mpp(0.25, 0.25)  # 40x; only for how much is cut where nobody knows the scale
OUTSIDE_RGB = (206, 211, 217)  # beyond the border: no glass is of this colour
T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """A cell to look at. note: what its caption begins with, beside the slide."""

    image: IndexedImage
    cell: Annotation
    note: str = ""


def drawn_evenly(places: Sequence[Place], most: int, *, seed: int) -> list[Place]:
    """Return at most this many places: data sets take turns, in each its slides, in each slide chance decides.

    They come sorted by data set, slide, image and place.
    """
    rng = np.random.default_rng(seed)
    order = [places[number] for number in rng.permutation(len(places))]
    by_slide = in_turns(order, lambda place: (place.image.dataset, place.image.slide))
    chosen = in_turns(by_slide, lambda place: place.image.dataset)[:most]
    return sorted(chosen, key=lambda p: (p.image.dataset, p.image.slide, p.image.name, p.cell.y, p.cell.x))


def in_turns(items: Sequence[T], key: Callable[[T], Hashable]) -> list[T]:
    """Return the items so that each key has its first before any has its second; within a key, in their order."""
    met: dict[Hashable, int] = defaultdict(int)
    rounds = []
    for item in items:
        rounds.append(met[key(item)])
        met[key(item)] += 1
    return [items[number] for number in np.argsort(rounds, kind="stable")]


def cut(places: Sequence[Place]) -> tuple[list[Cell], list[str]]:
    """Return the cells of a sheet in the order of the places, and what could not be read, one line a file.

    A picture that cannot be read costs its own cells, not the sheet.
    """
    by_file: dict[Path, list[int]] = defaultdict(list)
    for number, place in enumerate(places):
        by_file[place.image.path].append(number)
    cells: dict[int, Cell] = {}
    failures = []
    for path, numbers in by_file.items():
        try:
            with open_image(path) as whole:
                cells |= {number: _cell(whole, places[number]) for number in numbers}
        except ImageError as error:
            failures.append(str(error))
    return [cells[number] for number in sorted(cells)], failures


def _cell(whole: Image, place: Place) -> Cell:
    """Return one crop; grey where it leaves its image, also where other cells of a sheet lie there."""
    image, at = place.image, place.cell
    mpp = image.mpp or SUPPOSED_MPP
    width, height = round(CROP_UM / mpp.x), round(CROP_UM / mpp.y)
    left, top = round(at.x - width / 2), round(at.y - height / 2)
    picture = as_indexed(whole, image)  # closed with the whole
    scale = CROP_PX / width, CROP_PX / height
    half = BOX_UM / mpp.x / 2 * scale[0], BOX_UM / mpp.y / 2 * scale[1]
    seen = [one for one in image.annotations if abs(one.x - at.x) <= width and abs(one.y - at.y) <= height]
    marks = [Mark((one.x - left) * scale[0], (one.y - top) * scale[1], half, one.label, main=one == at) for one in seen]
    pixels = picture.read(left, top, width, height, out=(CROP_PX, CROP_PX))
    columns, rows = ((np.arange(CROP_PX) + 0.5) / factor for factor in scale)
    pixels[:, (columns < -left) | (columns >= image.size[0] - left)] = OUTSIDE_RGB
    pixels[(rows < -top) | (rows >= image.size[1] - top)] = OUTSIDE_RGB
    return Cell(
        pixels=pixels,
        marks=tuple(marks),
        caption=(
            " ".join(part for part in (place.note, image.slide or "(no slide)") if part),
            image.name,
            f"x {at.x:.0f}, y {at.y:.0f}" + ("" if image.mpp else ", no scale"),
        ),
        section=image.dataset,
        group=image.slide,
    )
