"""A part of a data set that is kept from training, to be scored at the end."""

from collections.abc import Sequence
from pathlib import Path

from sklearn.model_selection import StratifiedGroupKFold

from algorithm.errors import OutputError
from training.experiments.folds import spread_strata
from training.importers import read_folder
from training.index import DataError, IndexedImage, glass_of
from training.store import is_index, write_index

TRAIN_NAME, KEPT_NAME = "train", "kept"
Parts = tuple[list[IndexedImage], list[IndexedImage]]  # trains, is kept


def split(images: Sequence[IndexedImage], one_of: int, *, seed: int = 0) -> Parts:
    """Return what trains and what is kept: one glass of `one_of`, stratified by data set, tumour, scanner and label.

    No glass is on both sides. Raises DataError when there are fewer glasses than `one_of`.
    """
    glass = glass_of(images)
    items = [
        (f"{image.dataset} {image.tumour} {image.scanner} {label}", glass[image.slide])
        for image in images
        for label in ("image", *(cell.label for cell in image.annotations))
    ]
    groups = [group for _, group in items]
    if len(set(groups)) < one_of:
        raise DataError(f"one of {one_of} of {len(set(groups))} slides: a slide is on one side only")
    splitter = StratifiedGroupKFold(one_of, shuffle=True, random_state=seed)
    strata = spread_strata([stratum for stratum, _ in items], one_of)
    _, held = next(splitter.split(items, strata, groups))
    kept = {groups[number] for number in held}
    train = [image for image in images if glass[image.slide] not in kept]
    return train, [image for image in images if glass[image.slide] in kept]


def split_folder(source: Path, one_of: int, output: Path, *, seed: int = 0) -> Parts:
    """Write the indexes output/train and output/kept of a data folder. Raises OutputError where one is there."""
    folders = [output / TRAIN_NAME, output / KEPT_NAME]
    for folder in folders:
        if is_index(folder):
            raise OutputError(f"{folder}: holds an index already; name another folder or remove it")
    parts = split(read_folder(source), one_of, seed=seed)
    made_from = {"format": "split", "sources": [source.name], "one_of": one_of, "seed": seed}
    for folder, images in zip(folders, parts, strict=True):
        write_index(folder, images, made_from={**made_from, "part": folder.name})
    return parts
