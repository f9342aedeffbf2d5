"""Mining from data folders to an index: detect, sort, write."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from algorithm.atomic import ensure_writable, write_bytes
from algorithm.errors import OutputError
from training.evaluation.scores import MATCH_RADIUS_UM
from training.importers import read_folders
from training.index import DataError, IndexedImage, check, of_slides
from training.inspection.sheets import png
from training.mining.figures import read_list, with_figures
from training.mining.network import Miner, detect
from training.mining.output import hardest, list_csv, ranking
from training.mining.rule import Mined, as_indexed_images, mined_from
from training.store import META_NAME, is_index, write_index

HARDEST_NAME, LIST_NAME, DETECTIONS_FOLDER = "hardest.png", "mined.csv", "detections"


def caution(output: Path) -> str:
    """Return what a person has to do before training on it."""
    return (
        f"Tissue that nobody labelled exhaustively holds figures, too: look at {output / HARDEST_NAME} before "
        f"training. Lines of {output / LIST_NAME} that are figures go, with its first line, into a CSV; remove "
        f"{output / META_NAME} and mine again with --drop CSV."
    )


@dataclass(frozen=True)
class Rules:
    """threshold: on the raw score. margin_um: to annotated figures. drop: a CSV of figures that a person found."""

    threshold: float
    margin_um: float
    drop: Path | None


def mine(
    network: Miner,
    data: Sequence[Path],
    slides: Sequence[str],
    rules: Rules,
    output: Path,
    *,
    progress: Callable[[int, int], None],
    warn: Callable[[str], None],
) -> list[Mined]:
    """Write an index of the images with new imposters, their list, and a sheet of the hardest; return all images.

    Raises DataError when nothing is found or the threshold is below the network's floor, OutputError when `output`
    holds an index; see `detect` for what a run that was killed leaves.
    """
    _refuse_early(network, rules, output)
    images = _images(data, slides, rules.drop)
    ensure_writable(output)
    if seen := network.slides_seen(images):
        warn(f"{network.name} was trained on slide(s) {', '.join(seen)}: there it finds little that is new")
    mined = []
    for number, image in enumerate(images, start=1):
        xy, score = detect(network.of(image), image, output / DETECTIONS_FOLDER)
        mined.append(mined_from(image, xy, score, threshold=rules.threshold, margin_um=rules.margin_um))
        progress(number, len(images))
    if not any(len(one.xy) for one in mined):
        found = sum(one.detections for one in mined)
        what = f"{found} detections, all by annotated cells or the border," if found else "no detection"
        raise DataError(
            f"nothing to mine: {what} at or above {rules.threshold:g} in {len(images)} images; no index was written"
        )
    _write(output, mined, _record(network, rules, data, slides))
    return mined


def _refuse_early(network: Miner, rules: Rules, output: Path) -> None:
    """Raise what would be for nothing after hours of work."""
    if rules.threshold < network.floor:
        raise DataError(
            f"--threshold {rules.threshold:g}: {network.name} reports no score below {network.floor:g}; "
            f"take {network.floor:g} or more"
        )
    if rules.margin_um < MATCH_RADIUS_UM:
        raise DataError(
            f"--margin-um {rules.margin_um:g}: detections within {MATCH_RADIUS_UM:g} um of a figure are that figure; "
            "take more"
        )
    if is_index(output):
        raise OutputError(
            f"{output}: holds an index already; remove its {META_NAME} to mine again (detections are kept), "
            "or name another --output"
        )


def _record(network: Miner, rules: Rules, data: Sequence[Path], slides: Sequence[str]) -> dict[str, Any]:
    """Return where the index comes from."""
    return {
        "format": "mined",
        "network": network.name,
        "sha256": network.digest,
        "threshold": rules.threshold,
        "margin_um": rules.margin_um,
        "drop": str(rules.drop) if rules.drop else "",
        "data": [str(folder) for folder in data],
        "slides": list(slides),
    }


def _write(output: Path, mined: Sequence[Mined], made_from: dict[str, Any]) -> None:
    """Write list and sheet, then the index: with it, all is there."""
    ranked = ranking(mined)
    write_bytes(output / LIST_NAME, list_csv(ranked))
    write_bytes(output / HARDEST_NAME, png(hardest(ranked)))
    write_index(output, as_indexed_images(mined), made_from=made_from)


def _images(data: Sequence[Path], slides: Sequence[str], drop: Path | None) -> list[IndexedImage]:
    images = read_folders(list(data))
    check(images, "--data")  # now, not after hours
    if drop is not None:
        images = with_figures(images, read_list(drop), str(drop))
    return of_slides(images, slides) if slides else images
