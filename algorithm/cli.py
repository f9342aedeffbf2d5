"""The commands: parse, call, print. No logic."""

import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from algorithm import __version__
from algorithm.commands import Commands, FiniteRange, debug_option, debugging

SAMPLE_VARIABLE = "MITOSIS_DEFAULT_PATH"  # what `detect` works on when no path is given; set by run.sh
FOLDER = click.Path(path_type=Path)
TERMINATED = 128 + signal.SIGTERM  # the exit code that a shell gives
# engines.ENGINES; importing it here costs start-up
ENGINES = ("tensorrt", "onnxruntime-cuda", "openvino", "onnxruntime")


@click.group(cls=Commands)
@debug_option
@click.version_option(__version__)
def main() -> None:
    """Find mitotic figures in H&E images."""


def model_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that every command with a detector takes."""
    options = [
        click.option("--model", type=FOLDER, help="Bundle; default /opt/ml/model when it holds one, else ./model."),
        click.option(
            "--ensemble",
            type=click.Choice(["full", "screen"]),
            help="All members and views for all tiles, or for candidates only; default what the bundle is fitted for.",
        ),
        click.option("--members", type=click.IntRange(min=1), help="Use the first N members of the bundle."),
        click.option(
            "--views", type=click.IntRange(1, 8), help="Flips and turns of all they see; default the bundle's."
        ),
        click.option("--threshold", type=FiniteRange(0, 1), help="Probability from which on it is a figure."),
        click.option("--engine", type=click.Choice(ENGINES), help="Default: the first of these that can run here."),
        click.option("--precision", type=click.Choice(["f32", "bf16", "f16"]), help="Default: the engine's fastest."),
        click.option("--threads", type=click.IntRange(min=1), help="Default: what this machine or container allows."),
        click.option("--build-engine", is_flag=True, help="Build a TensorRT plan at start where none fits; minutes."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


budget_option = click.option(
    "--budget",
    "seconds",
    type=FiniteRange(min=1),
    default=960,
    show_default=True,
    help="Seconds for a case; when they are short, views are given up, then members, then tiles and candidates.",
)


@main.command()
@click.option("--input", "input_folder", type=FOLDER, default="/input", show_default=True)
@click.option("--output", "output_folder", type=FOLDER, default="/output", show_default=True)
@budget_option
@model_options
def run(input_folder: Path, output_folder: Path, seconds: float, model: Path | None, **options: Any) -> None:
    """Work on one case as grand-challenge.org calls it: /input to /output/mitotic-figures.json."""
    from algorithm.bundle import default_folder
    from algorithm.detector import Options
    from algorithm.grand_challenge.execution import run_case

    _log_to_stdout()
    _end_when_told()
    run_case(input_folder, output_folder, model or default_folder(), Options(**options), seconds=seconds)


@main.command()
@click.option("--port", type=click.IntRange(1, 65535), default=4743, show_default=True, help="The platform's.")
@click.option("--input", "input_folder", type=FOLDER, default="/input", show_default=True)
@click.option("--output", "output_folder", type=FOLDER, default="/output", show_default=True)
@budget_option
@model_options
def serve(
    port: int, input_folder: Path, output_folder: Path, seconds: float, model: Path | None, **options: Any
) -> None:
    """Wait for cases as grand-challenge.org's invoke mode calls it: GET /health, POST /invoke.

    Each invoke works on what lies in the input folder then, and replaces the result before.
    """
    from algorithm.grand_challenge.service import serve as run

    def load() -> Any:
        from algorithm.bundle import default_folder, load_bundle
        from algorithm.detector import Detector, Options

        return Detector(load_bundle(model or default_folder()), Options(**options))

    _log_to_stdout()
    run(load, input_folder, output_folder, port=port, seconds=seconds)


@main.command()
@click.argument("paths", nargs=-1, type=FOLDER, metavar="PATH...")
@click.option("--output", type=FOLDER, default="results", show_default=True, help="A folder for each image goes here.")
@click.option("--mpp", type=FiniteRange(min=0, min_open=True), help="Pixel size, um; wins over the file's.")
@click.option("--partial", is_flag=True, help="Of a damaged image use what can be read; the rest is white.")
@model_options
def detect(
    paths: tuple[Path, ...], output: Path, mpp: float | None, partial: bool, model: Path | None, **options: Any
) -> None:
    """Find the figures of images and of all images in folders; write JSON, table and overlay for each."""
    from algorithm.batch import detect_all
    from algorithm.bundle import default_folder, load_bundle
    from algorithm.detector import Detector, Options
    from algorithm.frames import Mpp

    if not paths and SAMPLE_VARIABLE not in os.environ:
        raise click.UsageError("name an image or a folder")
    _log_to_stdout()
    detector = Detector(load_bundle(model or default_folder()), Options(**options))
    given = Mpp(mpp, mpp) if mpp else None
    failed = detect_all(
        paths or [Path(os.environ[SAMPLE_VARIABLE])], output, detector, mpp=given, partial=partial, debug=debugging()
    )
    if failed:
        sys.exit(max(failed))


@main.command()
@click.option("--model", type=FOLDER, help="Bundle; default /opt/ml/model when it holds one, else ./model.")
def info(model: Path | None) -> None:
    """Show the version, the bundle, and which engines can run here."""
    from algorithm.bundle import default_folder, load_bundle
    from algorithm.engines import candidates
    from algorithm.engines.cpus import usable_cpus

    bundle = load_bundle(model or default_folder())
    facts = bundle.facts
    click.echo(f"version    {__version__}")
    click.echo(f"bundle     {facts.name} {facts.version} in {bundle.folder}")
    click.echo(f"hash       sha256 {bundle.hash}")
    click.echo(f"members    {', '.join(member.file for member in facts.members)}; views {facts.views}")
    click.echo(f"ensemble   {_ensemble(facts)}")
    click.echo(f"scale      {_scale(facts)}, tiles of {facts.tile_px} px")
    click.echo(f"threshold  {facts.threshold:.3f}; candidates from {facts.reporting_threshold:.3f} on")
    click.echo(f"licence    {facts.licence}")
    click.echo(f"threads    {usable_cpus()}")
    for engine in candidates():
        click.echo(f"engine     {engine.name}: {'ready, ' if engine.usable else 'not here: '}{engine.what}")


def _scale(facts: Any) -> str:
    scales = facts.scales()
    if len(scales) == 1:
        return f"{facts.mpp} um/px"
    return " and ".join(f"{mpp} um/px ({len(numbers)} member(s))" for mpp, numbers in scales.items())


def _ensemble(facts: Any) -> str:
    if facts.ensemble == "full":
        return "full: all members see all tiles in all views"
    return (
        f"screen: the first member finds candidates from a raw score of {facts.screen.from_score} on, all see them in "
        f"cells of {facts.screen.cell_px * facts.mpp:g} um, in more than one view from {facts.screen.again_score} on"
    )


def _log_to_stdout() -> None:
    """Leave stderr to errors and progress bars."""
    logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stdout, force=True)


def _end_when_told() -> None:
    """End on SIGTERM with what is half written taken away; as the first process of a container it would be ignored."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(TERMINATED))
