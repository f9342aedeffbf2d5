"""The commands that score a bundle and fit its threshold."""

from pathlib import Path
from typing import Any

import click

from training.cli.shared import PATH, bundle_option, data_option, names, progress, show, slides_option


@click.command()
@bundle_option
@data_option
@slides_option
@click.option("--json", "json_path", type=PATH, help="Write all scores here; a plot beside it.")
@click.option(
    "--ensemble", type=click.Choice(["full", "screen"]), help="Default: the bundle's, which it is calibrated for."
)
@click.option("--members", type=click.IntRange(min=1), help="Only the first N members.")
@click.option("--views", type=click.IntRange(1, 8), help="Flips and turns of each tile or candidate.")
@click.option("--precision", type=click.Choice(["f32", "bf16"]))
@click.option("--out-of-fold", is_flag=True, help="Each slide by the members that were not trained on it.")
def evaluate(
    bundle: Path,
    folders: tuple[Path, ...],
    slides: str | None,
    json_path: Path | None,
    out_of_fold: bool,
    **options: Any,
) -> None:
    """Score a bundle, run through `algorithm`, by the organisers' rule: by data set and slide."""
    from algorithm.detector import Options
    from training.evaluation.command import evaluate_bundle, write_report
    from training.evaluation.report import table

    if out_of_fold and options["members"]:
        raise click.UsageError("--out-of-fold chooses the members by slide: leave out --members")
    scores = evaluate_bundle(bundle, folders, names(slides), Options(**options), progress(), out_of_fold=out_of_fold)
    show(table(scores))
    if json_path:
        click.echo(f"written: {', '.join(map(str, write_report(scores, json_path)))}")


@click.command()
@bundle_option
@data_option
@slides_option
@click.option(
    "--per-mm2",
    type=click.FloatRange(min=0, min_open=True),
    help="Figures a mm2 of the tissue that the threshold is for. Default: as many as these images hold.",
)
def calibrate(bundle: Path, folders: tuple[Path, ...], slides: str | None, per_mm2: float | None) -> None:
    """Fit threshold and probabilities of a bundle on data it was not trained on, and write both into it."""
    from training.evaluation.command import calibrate_bundle

    fit = calibrate_bundle(bundle, folders, names(slides), progress(), per_mm2=per_mm2)
    click.echo(f"probability = sigmoid({fit.calibration.slope} * logit(score) + {fit.calibration.intercept})")
    click.echo(f"threshold {fit.threshold}: F1 {fit.f1:.3f} on the images themselves")
    click.echo(f"fitted on {fit.calibration.fitted_on}; written to {bundle}")
