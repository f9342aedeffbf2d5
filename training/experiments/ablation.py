"""Configs that differ in one thing, trained for the same time with the same seeds, scored on the same slides."""

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from io import StringIO
from pathlib import Path
from typing import Any

from algorithm.atomic import write_bytes
from algorithm.errors import OutputError
from training import processes
from training.evaluation.scores import CURVE_THRESHOLDS, average_precision, f1_curve
from training.experiments.budget import iterations_within
from training.experiments.scored import network_names, run_scored, scored
from training.importers import read_folders
from training.index import IndexedImage, of_slides, without_slides
from training.pretrained import read_source
from training.run import FREE_TO_CHANGE, SETTINGS_NAME
from training.settings import Settings, SettingsError, read_settings

ROWS_NAME = "runs.csv"
# settings younger than some published rows: with these values they are what rows without them were made with
CAME_LATER = {
    "slides_share": 1.0,
    "last_rate": 0.0,
    "smaller_first": [],
    "augment.isolated_share": 0.0,
    "augment.pasted_share": 0.0,
}


@dataclass(frozen=True)
class Row:
    """What a network of a run scores. f1: the best of all thresholds, on the raw score. settings: their hash."""

    config: str
    seed: int
    iterations: int
    network: str
    ap: float
    f1: float
    at_score: float
    settings: str


@dataclass(frozen=True)
class Run:
    """One config with one seed. begun_from: the sha256 of its first weights, none for random ones."""

    name: str
    settings: Settings
    begun_from: str


def ablate(
    experiments: Mapping[str, Settings],
    *,
    seeds: Sequence[int],
    minutes: float | None,
    work_dir: Path,
    pretrained: Path | None = None,
) -> list[Row]:
    """Train and score each experiment with each seed, unless its rows are in work_dir already; return all rows.

    The first experiment is what the others are compared with. minutes: what a run may take, else the configs'
    iterations count; configs of one cost a step get the same iterations. All of one seed come before the next.
    pretrained: weights that every run begins from; they must not have seen the slides that are held back.
    Raises SettingsError when they do not hold the same slides back, OutputError for rows of other settings.
    """
    held = _held_alike(experiments)
    begun_from = read_source(pretrained).sha256 if pretrained else ""
    rows = read_rows(work_dir / ROWS_NAME)
    for seed in seeds:
        for name, settings in experiments.items():
            chosen = _within(settings.model_copy(update={"seed": seed}), name, minutes, experiments, rows, work_dir)
            run = Run(name, chosen, begun_from)
            if not _has(rows, run, work_dir):
                rows = [*rows, *_score(run, held, work_dir / name / f"seed-{seed}", pretrained)]
                if processes.rank() == 0:
                    write_rows(work_dir / ROWS_NAME, rows)
    return [row for row in rows if row.config in experiments and row.seed in seeds]


def read_rows(path: Path) -> list[Row]:
    """Return the rows of earlier calls; none where there is no file. Raises OutputError when it is no such table."""
    if not path.exists():
        return []
    try:
        with path.open(newline="") as file:
            kinds = {field.name: field.type for field in fields(Row)}
            return [Row(**{name: kinds[name](row[name]) for name in kinds}) for row in csv.DictReader(file)]
    except (KeyError, TypeError, ValueError) as error:
        raise OutputError(f"{path}: not a table of runs ({type(error).__name__}: {error}); move it away") from error


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write all rows, whole or not at all."""
    text = StringIO()
    writer = csv.DictWriter(text, fieldnames=[field.name for field in fields(Row)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    write_bytes(path, text.getvalue().encode())


def _score(run: Run, held: list[IndexedImage], work_dir: Path, pretrained: Path | None) -> Iterator[Row]:
    settings = run.settings
    if processes.rank() == 0:
        print(f"{run.name}, seed {settings.seed}: {settings.iterations} iterations", flush=True)
    run_scored(settings, without_slides(read_folders(settings.data), settings.held_back), held, work_dir, pretrained)
    for network in network_names(settings):
        predicted = scored(work_dir, network, held)
        curve = f1_curve(predicted)
        best = int(curve.argmax())
        yield Row(
            config=run.name,
            seed=settings.seed,
            iterations=settings.iterations,
            network=network,
            ap=round(average_precision(predicted), 4),
            f1=round(float(curve[best]), 4),
            at_score=round(float(CURVE_THRESHOLDS[best]), 3),
            settings=fingerprint(settings, run.begun_from),
        )


def fingerprint(settings: Settings, begun_from: str = "") -> str:
    """Return what tells two runs apart, without what changes no result: a short hash.

    begun_from: the sha256 of the weights that the run began from, none for random ones.
    """
    counted = settings.model_dump(mode="json", exclude=set(FREE_TO_CHANGE))
    for name, default in CAME_LATER.items():
        group, _, key = name.rpartition(".")
        held = counted[group] if group else counted
        if held[key] == default:
            del held[key]
    if begun_from:
        counted["begun_from"] = begun_from
    return hashlib.sha256(json.dumps(counted, sort_keys=True).encode()).hexdigest()[:12]


def _has(rows: Sequence[Row], run: Run, work_dir: Path) -> bool:
    """Return whether the run is among the rows. Raises OutputError when it was made with other settings."""
    made = {row.settings for row in rows if row.config == run.name and row.seed == run.settings.seed}
    if made - {fingerprint(run.settings, run.begun_from)}:
        raise OutputError(
            f"{work_dir / ROWS_NAME}: {run.name}, seed {run.settings.seed}, was run with other settings or from other "
            "weights; name another --work-dir"
        )
    return bool(made)


def _within(
    settings: Settings,
    name: str,
    minutes: float | None,
    experiments: Mapping[str, Settings],
    rows: Sequence[Row],
    work_dir: Path,
) -> Settings:
    """Return the settings with the iterations that fit: those of a run of the same cost, else measured."""
    if minutes is None:
        return settings
    begun = work_dir / name / f"seed-{settings.seed}" / SETTINGS_NAME
    alike = [
        row.iterations for row in rows if row.config in experiments and cost(experiments[row.config]) == cost(settings)
    ]
    if begun.exists():
        iterations = read_settings(begun).iterations
    elif alike:
        iterations = alike[0]
    else:
        trained = without_slides(read_folders(settings.data), settings.held_back)
        iterations = iterations_within(minutes, settings, trained)
    return settings.model_copy(update={"iterations": iterations})


def cost(settings: Settings) -> tuple[Any, ...]:
    """Return what a step's time depends on: configs alike in it are given the same iterations, not the same noise."""
    network = json.loads(json.dumps(settings.model))
    network["bbox_head"].pop("num_classes", None)  # a channel or two
    return (
        json.dumps(network, sort_keys=True),
        settings.patch_px,
        settings.smaller_first,
        settings.batch,
        settings.accumulate,
    )


def _held_alike(experiments: Mapping[str, Settings]) -> list[IndexedImage]:
    """Return the images that all experiments hold back. Raises SettingsError when they do not agree."""
    held: list[IndexedImage] = []
    for name, settings in experiments.items():
        if not settings.held_back:
            raise SettingsError(f"{name}: holds no slide back, so that nothing says what it is worth")
        own = of_slides(read_folders(settings.data), settings.held_back)
        held = held or own
        if own != held:
            raise SettingsError(f"{name}: holds other images back than {next(iter(experiments))}: not to be compared")
    return held
