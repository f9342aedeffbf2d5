"""The commands of training: parse, call, print."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from algorithm.commands import Commands, FiniteRange, debug_option
from algorithm.errors import ImageError


@click.group(cls=Commands)
@debug_option
def main() -> None:
    """Train and evaluate detectors of mitotic figures."""


changes_option = click.option(
    "--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change a setting, as in --set seed=1."
)


@main.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--work-dir", type=click.Path(path_type=Path), help="Where the run is kept; default work_dirs/CONFIG.")
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint in the work dir.")
@click.option(
    "--pretrained", type=click.Path(path_type=Path), help="Weights to begin from: a .pth, a bundle, its .onnx."
)
@changes_option
def train(config: Path, work_dir: Path | None, resume: bool, pretrained: Path | None, changes: tuple[str, ...]) -> None:
    """Train the network of CONFIG, an mmengine config such as training/configs/cpu_half.py."""
    from training.run import train as run
    from training.settings import load_settings, parse_changes

    settings, folder = load_settings(config, parse_changes(changes)), work_dir or Path("work_dirs") / config.stem
    run(settings, folder, resume=resume, pretrained=pretrained)


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
    canine_tiles, exact, coco, geojson, tiles or csv (docs/data.md)."""
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


@main.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option(
    "--work-dir", type=click.Path(path_type=Path), help="Where all is kept; default work_dirs/CONFIG-crossval."
)
@click.option("--folds", type=click.IntRange(min=2), default=5, show_default=True)
@click.option("--folds-file", type=click.Path(path_type=Path), help="Folds to use: a CSV of dataset, slide, fold.")
@click.option("--validate", help="Data sets that are divided into folds, as in a,b; others only train. Default: all.")
@click.option(
    "--minutes", type=FiniteRange(min=0.01), help="Train each fold as many iterations as fit; else the config's."
)
@click.option("--only-fold", type=click.IntRange(min=0), help="Train this one, as when folds go to several machines.")
@changes_option
def crossval(
    config: Path,
    work_dir: Path | None,
    folds: int,
    folds_file: Path | None,
    validate: str | None,
    minutes: float | None,
    only_fold: int | None,
    changes: tuple[str, ...],
) -> None:
    """Cross-validate CONFIG by slide: folds, a run for each, one threshold and one calibration for all.

    Typed again it goes on where it stopped.
    """
    from rich.console import Console

    from training.crossval import Plan
    from training.crossval import crossval as run
    from training.evaluation.command import write_report
    from training.evaluation.report import table
    from training.settings import load_settings, parse_changes

    folder = work_dir or Path("work_dirs") / f"{config.stem}-crossval"
    plan = Plan(folds, folds_file, _names(validate), minutes, only_fold)
    # a config's held_back is for single runs
    result = run(load_settings(config, {"held_back": [], **parse_changes(changes)}), plan, folder)
    if result is None:
        click.echo(f"other folds are left; the command without --only-fold in {folder} trains and scores them")
        return
    Console(width=None if sys.stdout.isatty() else 180).print(table(result.scores))
    for row in result.networks:
        click.echo(f"{row['network']}: best F1 {row['best_f1']:.3f} at score {row['at_score']:.2f}, AP {row['ap']:.3f}")
    click.echo(f"F1 of each fold at the threshold of the other folds: {result.honest_f1:.3f}")
    written = write_report(result.as_dict(), folder / "crossval.json")
    click.echo(f"written: {', '.join(map(str, written))}")


@main.command()
@click.argument("configs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="CONFIG...")
@click.option("--work-dir", type=click.Path(path_type=Path), default="work_dirs/ablation", show_default=True)
@click.option("--seeds", default="0,1", show_default=True, help="Each config is trained with each of them.")
@click.option("--minutes", type=FiniteRange(min=0.01), help="For each run; else the configs' iterations.")
@changes_option
def ablate(
    configs: tuple[Path, ...], work_dir: Path, seeds: str, minutes: float | None, changes: tuple[str, ...]
) -> None:
    """Train CONFIGs alike and compare them with the first, on the slides that they hold back.

    Typed again it goes on where it stopped; runs.csv in the work dir says what is done.
    """
    from rich.console import Console

    from training.experiments.command import ablate as run

    shown, written = run(configs, _numbers(seeds), minutes, work_dir, changes)
    Console(width=None if sys.stdout.isatty() else 180).print(shown)
    click.echo(f"written: {', '.join(map(str, written))}")


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


@main.command()
@click.option("--bundle", type=click.Path(path_type=Path), help="What mines: a bundle ...")
@click.option("--checkpoint", type=click.Path(path_type=Path), help="... or an ema-*.pth of a run.")
@data_option
@slides_option
# 0.25: arXiv 2508.19804; 15 um: twice the matching radius
@click.option("--threshold", type=FiniteRange(0, 1), default=0.25, show_default=True, help="On the raw score.")
@click.option(
    "--margin-um", type=FiniteRange(min=0), default=15.0, show_default=True, help="To annotated figures, at least."
)
@click.option("--drop", type=click.Path(path_type=Path), help="Mined places that are figures: a CSV of image,x,y.")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="The index goes here.")
def mine(
    bundle: Path | None,
    checkpoint: Path | None,
    folders: tuple[Path, ...],
    slides: str | None,
    output: Path,
    **rules: Any,
) -> None:
    """Run a network over DATA and keep what it wrongly takes for figures, as imposters in a new index."""
    from rich.console import Console

    from training.mining.command import Rules, caution
    from training.mining.command import mine as run
    from training.mining.network import network_of_bundle, network_of_checkpoint
    from training.mining.output import summary

    if (bundle is None) == (checkpoint is None):
        raise click.UsageError("give either --bundle or --checkpoint")
    network = network_of_bundle(bundle) if bundle else network_of_checkpoint(checkpoint)
    mined = run(network, folders, _names(slides), Rules(**rules), output, progress=_progress(), warn=_warn)
    Console(width=None if sys.stdout.isatty() else 180).print(summary(mined))
    click.echo(f"written: {output}")
    click.echo(caution(output))


@main.command()
@click.argument("index", type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), help="The page goes here; default results/inspect/NAME.")
@click.option("--crops", type=click.IntRange(min=1), default=192, show_default=True, help="Of each kind, at most.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Which cells are drawn.")
def inspect(index: Path, output: Path | None, crops: int, seed: int) -> None:
    """Look at a data set before training: contact sheets of its cells and a page of its numbers."""
    from training.inspection.command import inspect as look

    seen = look(index, output or Path("results/inspect") / index.resolve().name, crops=crops, seed=seed)
    click.echo(f"{seen.images} images, {seen.missing} of them without a picture")
    click.echo(f"{seen.contradictions} contradictions, {seen.near_duplicates} near-duplicates")
    click.echo(f"{seen.sheets} sheets; open {seen.page}")
    for failure in seen.failures:
        click.echo(f"error: {failure}", err=True)
    if seen.failures:
        sys.exit(ImageError.exit_code)


def _names(text: str | None) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()] if text else []


def _numbers(text: str) -> list[int]:
    try:
        return [int(name) for name in _names(text)]
    except ValueError:
        raise click.BadParameter(f"{text}: whole numbers with commas between them", param_hint="--seeds") from None


def _warn(text: str) -> None:
    click.echo(f"warning: {text}", err=True)


def _progress() -> Callable[[int, int], None]:
    """Return a counter of images for terminals; silent elsewhere."""

    def show(done: int, total: int) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{done}/{total} images", nl=done == total, err=True)

    return show
