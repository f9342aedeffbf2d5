"""Folds for cross-validation: by glass, so that no slide is on both sides, with figures of every data set in each."""

import csv
from collections import Counter
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

from sklearn.model_selection import StratifiedGroupKFold

from algorithm.atomic import write_bytes
from training.index import DataError, IndexedImage, glass_of

FOLDS_NAME = "folds.csv"
COLUMNS = ("dataset", "slide", "fold", "images", "figures", "imposters")
Slide = tuple[str, str]  # data set, slide
Folds = dict[Slide, int]  # which fold a slide validates, from 0 on; slides that only train are not there


def make_folds(images: Sequence[IndexedImage], count: int, *, validate: Sequence[str] = (), seed: int = 0) -> Folds:
    """Return folds of the data sets named in validate (none: all); the others only ever train.

    Stratified by data set and kind of annotation (scikit-learn's StratifiedGroupKFold over the annotations), grouped
    by glass. Raises DataError for an unknown data set, and for a fold that would hold no figure.
    """
    sets = {image.dataset for image in images}
    unknown = sorted(set(validate) - sets)
    if unknown:
        raise DataError(f"no data set {', '.join(unknown)} to validate on (there are: {', '.join(sorted(sets))})")
    chosen = [image for image in images if not validate or image.dataset in validate]
    glass = glass_of(images)
    items = [
        (f"{image.dataset} {label}", glass[image.slide], (image.dataset, image.slide))
        for image in chosen
        for label in ("image", *(cell.label for cell in image.annotations))
    ]
    groups = {group for _, group, _ in items}
    if len(groups) < count:
        raise DataError(f"{count} folds of {len(groups)} slides: a slide is in one fold only; ask for fewer --folds")
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    strata, of_glass = spread_strata([stratum for stratum, _, _ in items], count), [group for _, group, _ in items]
    folds: Folds = {}
    for fold, (_, held) in enumerate(splitter.split(items, strata, of_glass)):
        folds |= {items[number][2]: fold for number in held}
    check_folds(folds, images, count)
    return folds


def held_back(images: Sequence[IndexedImage], folds: Folds, fold: int) -> list[IndexedImage]:
    """Return the images that validate a fold."""
    return [image for image in images if folds.get((image.dataset, image.slide)) == fold]


def trained_on(images: Sequence[IndexedImage], folds: Folds, fold: int) -> list[IndexedImage]:
    """Return the images that train in a fold: all that share no glass with what validates it."""
    glass = glass_of(images)
    out = {glass[image.slide] for image in held_back(images, folds, fold)}
    return [image for image in images if glass[image.slide] not in out]


def check_folds(folds: Folds, images: Sequence[IndexedImage], count: int) -> None:
    """Raise DataError for a fold without a figure, or without anything to train on, and for glass in two folds."""
    glass = glass_of(images)
    of_glass: dict[str, tuple[int, str]] = {}
    for (_, slide), fold in sorted(folds.items()):
        before, other = of_glass.setdefault(glass[slide], (fold, slide))
        if before != fold:
            why = "is" if other == slide else f"and {other}, the same glass, are"
            raise DataError(f"slide {slide} {why} in folds {before} and {fold}: it would validate what trained on it")
    for fold in range(count):
        if not any(image.places("MF") for image in held_back(images, folds, fold)):
            raise DataError(f"fold {fold} is empty: no slide with a figure validates it; ask for fewer --folds")
        if not any(image.places("MF") for image in trained_on(images, folds, fold)):
            raise DataError(f"fold {fold} leaves no figure to train on")


def write_folds(path: Path, folds: Folds, images: Sequence[IndexedImage]) -> None:
    """Write a CSV with a row for each slide; `fold` is empty where it only trains."""
    slides = sorted({(image.dataset, image.slide) for image in images})
    count, cells = Counter((i.dataset, i.slide) for i in images), Counter()
    for image in images:
        for cell in image.annotations:
            cells[image.dataset, image.slide, cell.label] += 1
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for slide in slides:
        writer.writerow([*slide, folds.get(slide, ""), count[slide], cells[*slide, "MF"], cells[*slide, "NMF"]])
    write_bytes(path, text.getvalue().encode())


def read_folds(path: Path, images: Sequence[IndexedImage]) -> tuple[Folds, int]:
    """Return the folds of a file such as `write_folds` writes (dataset, slide, fold), and how many there are.

    Raises DataError when it does not fit the data: unknown slides, a slide twice, numbers that are none.
    """
    known = {(image.dataset, image.slide) for image in images}
    folds: Folds = {}
    seen: set[Slide] = set()
    try:
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        for line, row in enumerate(rows, start=2):
            slide = row["dataset"], row["slide"]
            if slide not in known:
                raise DataError(f"{path}: line {line}: no slide {slide[1]} of data set {slide[0]} in the data")
            if slide in seen:
                raise DataError(f"{path}: line {line}: slide {slide[1]} of {slide[0]} is listed twice")
            seen.add(slide)
            if row["fold"]:
                folds[slide] = int(row["fold"])
    except (OSError, KeyError, ValueError) as error:
        raise DataError(f"{path}: not a table of dataset, slide, fold ({type(error).__name__}: {error})") from error
    if not folds or min(folds.values()) < 0:
        raise DataError(f"{path}: no slide has a fold, or one below 0; folds count from 0")
    count = max(folds.values()) + 1
    check_folds(folds, images, count)
    return folds, count


def fold_runs(work_dir: Path) -> list[tuple[Path, list[Slide]]]:
    """Return the run of each fold of a cross-validation, with the slides that it held back. Raises DataError."""
    held: dict[int, list[Slide]] = {}
    try:
        with (work_dir / FOLDS_NAME).open(newline="") as file:
            for row in csv.DictReader(file):
                if row["fold"]:
                    held.setdefault(int(row["fold"]), []).append((row["dataset"], row["slide"]))
    except (OSError, KeyError, ValueError) as error:
        raise DataError(f"{work_dir}: no cross-validation ({type(error).__name__}: {error})") from error
    return [(work_dir / f"fold-{fold}", held[fold]) for fold in sorted(held)]


def spread_strata(names: Sequence[str], count: int) -> list[str]:
    """Return the strata, those of fewer members than folds put to the largest: they cannot be spread."""
    sizes = Counter(names)
    largest = sizes.most_common(1)[0][0]
    return [name if sizes[name] >= count else largest for name in names]
