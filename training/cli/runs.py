"""The commands that train, and that find what to train on next."""

from pathlib import Path
from typing import Any

import click

from algorithm.commands import FiniteRange
from training.cli.shared import PATH, changes_option, data_option, names, progress, show, slides_option, warn


@click.command()
@click.argument("config", type=PATH)
@click.option("--work-dir", type=PATH, help="Where the run is kept; default work_dirs/CONFIG.")
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint in the work dir.")
@click.option("--pretrained", type=PATH, help="Weights to begin from: a .pth, a bundle, its .onnx.")
@changes_option
def train(config: Path, work_dir: Path | None, resume: bool, pretrained: Path | None, changes: tuple[str, ...]) -> None:
    """Train the network of CONFIG, an mmengine config such as training/configs/cpu_half.py."""
    from training.run import train as run
    from training.settings import load_settings, parse_changes

    settings, folder = load_settings(config, parse_changes(changes)), work_dir or Path("work_dirs") / config.stem
    run(settings, folder, resume=resume, pretrained=pretrained)


@click.command()
@click.argument("config", type=PATH)
@click.option("--work-dir", type=PATH, help="Where the run is kept; default work_dirs/CONFIG.")
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint in the work dir.")
@changes_option
def pretrain(config: Path, work_dir: Path | None, resume: bool, changes: tuple[str, ...]) -> None:
    """Train the backbone of CONFIG alone, as classifier of patches, for `train --pretrained` to begin from."""
    from training.run import pretrain as run
    from training.settings import load_settings, parse_changes

    run(load_settings(config, parse_changes(changes)), work_dir or Path("work_dirs") / config.stem, resume=resume)


@click.command()
@click.option("--bundle", type=PATH, help="What mines: a bundle ...")
@click.option("--checkpoint", type=PATH, help="... an ema-*.pth of a run ...")
@click.option("--crossval", type=PATH, help="... or a cross-validation's work dir: each slide by what never saw it.")
@click.option("--out-of-fold", is_flag=True, help="Each slide by the members of the bundle that did not see it.")
@data_option
@slides_option
# 0.25: arXiv 2508.19804; 15 um: twice the matching radius
@click.option("--threshold", type=FiniteRange(0, 1), default=0.25, show_default=True, help="On the raw score.")
@click.option(
    "--margin-um", type=FiniteRange(min=0), default=15.0, show_default=True, help="To annotated figures, at least."
)
@click.option("--drop", type=PATH, help="Mined places that are figures: a CSV of image,x,y.")
@click.option("--output", type=PATH, required=True, help="The index goes here.")
def mine(
    bundle: Path | None,
    checkpoint: Path | None,
    crossval: Path | None,
    out_of_fold: bool,
    folders: tuple[Path, ...],
    slides: str | None,
    output: Path,
    **rules: Any,
) -> None:
    """Run a network over DATA and keep what it wrongly takes for figures, as imposters in a new index."""
    from training.mining.command import Rules, caution
    from training.mining.command import mine as run
    from training.mining.network import (
        network_of_bundle,
        network_of_checkpoint,
        networks_of_crossval,
        unseen_members_of_bundle,
    )
    from training.mining.output import summary

    given = [
        (path, load)
        for path, load in (
            (bundle, unseen_members_of_bundle if out_of_fold else network_of_bundle),
            (checkpoint, network_of_checkpoint),
            (crossval, networks_of_crossval),
        )
        if path is not None
    ]
    if len(given) != 1:
        raise click.UsageError("give one of --bundle, --checkpoint and --crossval")
    if out_of_fold and bundle is None:
        raise click.UsageError("--out-of-fold chooses among the members of a --bundle; --crossval does so by itself")
    [(path, load)] = given
    network = load(path)
    mined = run(network, folders, names(slides), Rules(**rules), output, progress=progress(), warn=warn)
    show(summary(mined))
    click.echo(f"written: {output}")
    click.echo(caution(output))


@click.command()
@click.argument("checkpoints", nargs=-1, required=True, type=PATH, metavar="CHECKPOINT...")
@click.option("--output", required=True, type=PATH, help="The averaged ema-*.pth goes here.")
@click.option("--licence", help="Of the result, where those of the checkpoints differ.")
def average(checkpoints: tuple[Path, ...], output: Path, licence: str | None) -> None:
    """Average the weights of CHECKPOINTS that went on from one network: their gain together, at the cost of one."""
    from training.average import average as run

    if len(checkpoints) < 2:
        raise click.UsageError("name two checkpoints or more")
    facts = run(checkpoints, output, licence=licence)
    click.echo(f"written: {output}, trained on {len(facts.training.get('slides', []))} slides")


@click.command()
@click.argument("config", type=PATH)
@click.option("--member", required=True, type=PATH, help="Its .onnx, beside the bundle.yaml that names it.")
@click.option("--output", required=True, type=PATH, help="The ema-*.pth goes here.")
def recover(config: Path, member: Path, output: Path) -> None:
    """Make a checkpoint of a member of a bundle, whose network is that of CONFIG, for `export bundle`: the same member
    in another bundle, or for other tiles."""
    from training.pretrained.recovery import recover as run
    from training.settings import load_settings

    facts = run(member, load_settings(config), output)
    click.echo(f"written: {output}, which sees {facts.mpp} um/px")
