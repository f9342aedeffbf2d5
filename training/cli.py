"""The commands of training: parse, call, print."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from algorithm.commands import Commands, FiniteRange, debug_option


@click.group(cls=Commands)
@debug_option
def main() -> None:
    """Train and evaluate detectors of mitotic figures."""


@main.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--work-dir", type=click.Path(path_type=Path), help="Where the run is kept; default work_dirs/CONFIG.")
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint in the work dir.")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change a setting, as in --set seed=1.")
def train(config: Path, work_dir: Path | None, resume: bool, changes: tuple[str, ...]) -> None:
    """Train the network of CONFIG, an mmengine config such as training/configs/cpu_half.py."""
    from training.run import train as run
    from training.settings import load_settings, parse_changes

    run(load_settings(config, parse_changes(changes)), work_dir or Path("work_dirs") / config.stem, resume=resume)


path_type = click.Path(path_type=Path)


@main.command("import")
@click.argument("format_name", metavar="FORMAT")
@click.argument("sources", nargs=-1, required=True, type=path_type, metavar="SOURCE...")
@click.option("--output", required=True, type=path_type, help="Folder that gets the index.")
@click.option("--images", type=path_type, help="Where the pictures lie, with all below it; default beside SOURCE.")
@click.option("--allow-missing-images", "allow_missing", is_flag=True, help="Keep annotations without a picture.")
@click.option("--mpp", type=FiniteRange(0.05, 2), help="um/px, wins over what the set or the files say.")
@click.option("--data-set", default="", help="Name of the data set; default that of SOURCE.")
@click.option("--prefix", help="Put before slides' names, so that 001 of two sets are two slides.")
@click.option("--metadata", type=path_type, help="Scanner, tumour and species: datasets_xvalidation.csv of MIDOG++.")
@click.option("--classes", help="tiles: folders, as in DEB,MUS; else what a class means, as in 'Mitose=MF,Cell=drop'.")
@click.option("--verbose", is_flag=True, help="List every slide.")
def import_(
    format_name: str, sources: tuple[Path, ...], output: Path, classes: str | None, verbose: bool, **options: Any
) -> None:
    """Make an index of data in FORMAT: midog, midog25, sliderunner, icpr2012, mitos14, voc, points, crops,
    canine_tiles, exact, coco, geojson, tiles or csv (docs/training.md)."""
    from rich.console import Console

    from training.importers.base import Options
    from training.importers.command import import_data
    from training.importers.report import tables

    chosen = Options(classes=tuple(_names(classes)), **options)
    imported = import_data(format_name, sources, chosen, output)
    console = Console(width=None if sys.stdout.isatty() else 180)
    for table in tables(imported, every_slide=verbose):
        console.print(table)
    click.echo(f"written: {output}")


data_option = click.option(
    "--data", "folders", multiple=True, required=True, type=click.Path(path_type=Path), help="A data set; repeat it."
)
slides_option = click.option("--slides", help="Only these slides, as in H07,H14.")
bundle_option = click.option("--bundle", type=click.Path(path_type=Path), default="model", show_default=True)


@main.command()
@bundle_option
@data_option
@slides_option
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write all scores here; a plot beside it.")
@click.option("--members", type=click.IntRange(min=1), help="Only the first N members.")
@click.option("--views", type=click.IntRange(1, 8), help="Flips and turns of each tile.")
@click.option("--precision", type=click.Choice(["f32", "bf16"]))
def evaluate(
    bundle: Path, folders: tuple[Path, ...], slides: str | None, json_path: Path | None, **options: Any
) -> None:
    """Score a bundle, run through `algorithm`, by the organisers' rule: by data set and slide."""
    from rich.console import Console

    from algorithm.detector import Options
    from training.evaluation.command import evaluate_bundle, write_report
    from training.evaluation.report import table

    scores = evaluate_bundle(bundle, folders, _names(slides), Options(**options), _progress())
    Console(width=None if sys.stdout.isatty() else 180).print(table(scores))
    if json_path:
        click.echo(f"written: {', '.join(map(str, write_report(scores, json_path)))}")


@main.command()
@bundle_option
@data_option
@slides_option
def calibrate(bundle: Path, folders: tuple[Path, ...], slides: str | None) -> None:
    """Fit threshold and probabilities of a bundle on data it was not trained on, and write both into it."""
    from training.evaluation.command import calibrate_bundle

    fit = calibrate_bundle(bundle, folders, _names(slides), _progress())
    click.echo(f"probability = sigmoid({fit.calibration.slope} * logit(score) + {fit.calibration.intercept})")
    click.echo(f"threshold {fit.threshold}: F1 {fit.f1:.3f} on {fit.calibration.fitted_on}; written to {bundle}")


def _names(text: str | None) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()] if text else []


def _progress() -> Callable[[int, int], None]:
    """Return a counter of images for terminals; silent elsewhere."""

    def show(done: int, total: int) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{done}/{total} images", nl=done == total, err=True)

    return show
