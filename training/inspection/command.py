"""Inspecting a data folder: sheets and page, written into one folder as a whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from algorithm.atomic import whole_folder, write_bytes
from training.importers import read_folder
from training.index import Label
from training.inspection.crops import BOX_UM, CROP_UM, Place, cut, drawn_evenly
from training.inspection.page import SheetSet, page
from training.inspection.sheets import draw_sheets, png
from training.inspection.statistics import close_pairs
from training.store import is_index, read_index

PAGE_NAME, SHEETS_FOLDER = "index.html", "sheets"
NAMES: dict[Label, str] = {"MF": "Mitotic figures", "NMF": "Imposters"}
LEGEND = f"Crops of {CROP_UM:g} um, boxes of {BOX_UM:g} um: green MF, amber NMF, thick the cell that the crop is of."


@dataclass(frozen=True)
class Inspected:
    """What was written, and what could not be read."""

    page: Path
    sheets: int
    images: int
    missing: int
    contradictions: int
    near_duplicates: int
    failures: list[str]


def inspect(folder: Path, output: Path, *, crops: int, seed: int) -> Inspected:
    """Write `index.html` and the sheets it shows; at most `crops` cells of each kind, drawn evenly over slides.

    An earlier inspection in `output` is replaced. Raises DataError, ImageError or OutputError; a picture that
    cannot be read ends up in `failures` and on the page.
    """
    # of an index, also images that training refuses: without picture, without scale
    images = read_index(folder) if is_index(folder) else read_folder(folder)
    pairs = close_pairs(images)
    kinds = [
        (
            name,
            label.lower(),
            [Place(image, cell) for image in images for cell in image.annotations if cell.label == label],
        )
        for label, name in NAMES.items()
    ]
    if pairs:
        kinds.append(
            ("Suspicious pairs", "pairs", list(dict.fromkeys(Place(pair.image, pair.first) for pair in pairs)))
        )
    with whole_folder(output) as part:
        written = [_sheet_set(part, *kind, crops=crops, seed=seed) for kind in kinds]
        sets = [one for one, _ in written]
        failures = sorted({failure for _, failed in written for failure in failed})
        write_bytes(part / PAGE_NAME, page(str(folder), images, sets, failures).encode())
    contradictions = sum(pair.contradicts for pair in pairs)
    return Inspected(
        page=output / PAGE_NAME,
        sheets=sum(len(one.files) for one in sets),
        images=len(images),
        missing=sum(image.missing for image in images),
        contradictions=contradictions,
        near_duplicates=len(pairs) - contradictions,
        failures=failures,
    )


def _sheet_set(
    folder: Path, name: str, stem: str, every: Sequence[Place], *, crops: int, seed: int
) -> tuple[SheetSet, list[str]]:
    """Write the sheets of one kind; return them, and what could not be read."""
    shown = [place for place in every if not place.image.missing]
    chosen = drawn_evenly(shown, crops, seed=seed)
    cells, failures = cut(chosen)
    note = f"{len(cells):,} of {len(every):,}, drawn evenly over {_slides(every)} slide(s) (seed {seed})"
    if len(shown) < len(every):
        note += f"; {len(every) - len(shown):,} lie in images whose picture is missing"
    if len(cells) < len(chosen):
        note += f"; {len(chosen) - len(cells):,} more were chosen and could not be read"
    files = []
    for number, sheet in enumerate(draw_sheets(name, f"{note}. {LEGEND}", cells), start=1):
        files.append(f"{SHEETS_FOLDER}/{stem}-{number:02d}.png")
        write_bytes(folder / files[-1], png(sheet))
    return SheetSet(title=name, note=f"{note}. {LEGEND}" if every else "None.", files=files), failures


def _slides(places: Sequence[Place]) -> int:
    return len({(place.image.dataset, place.image.slide) for place in places})
