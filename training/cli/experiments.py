"""The commands of several runs."""

from pathlib import Path

import click

from algorithm.commands import FiniteRange
from training.cli.shared import PATH, changes_option, names, numbers, show


@click.command()
@click.argument("config", type=PATH)
@click.option("--work-dir", type=PATH, help="Where all is kept; default work_dirs/CONFIG-crossval.")
@click.option("--folds", type=click.IntRange(min=2), default=5, show_default=True)
@click.option("--folds-file", type=PATH, help="Folds to use: a CSV of dataset, slide, fold.")
@click.option("--validate", help="Data sets that are divided into folds, as in a,b; others only train. Default: all.")
@click.option(
    "--minutes", type=FiniteRange(min=0.01), help="Train each fold as many iterations as fit; else the config's."
)
@click.option("--only-fold", type=click.IntRange(min=0), help="Train this one, as when folds go to several machines.")
@click.option(
    "--pretrained",
    type=PATH,
    help="Weights to begin from, that saw no slide which validates; of a bundle the member that did not, of another "
    "cross-validation's work dir its network of the same fold.",
)
@changes_option
def crossval(
    config: Path,
    work_dir: Path | None,
    folds: int,
    folds_file: Path | None,
    validate: str | None,
    minutes: float | None,
    only_fold: int | None,
    pretrained: Path | None,
    changes: tuple[str, ...],
) -> None:
    """Cross-validate CONFIG by slide: folds, a run for each, one threshold and one calibration for all.

    Typed again it goes on where it stopped.
    """
    from training.evaluation.command import write_report
    from training.evaluation.report import table
    from training.experiments.crossval import Plan
    from training.experiments.crossval import crossval as run
    from training.settings import load_settings, parse_changes

    folder = work_dir or Path("work_dirs") / f"{config.stem}-crossval"
    plan = Plan(folds, folds_file, names(validate), minutes, only_fold, pretrained)
    # a config's held_back is for single runs
    result = run(load_settings(config, {"held_back": [], **parse_changes(changes)}), plan, folder)
    if result is None:
        click.echo(f"other folds are left; the command without --only-fold in {folder} trains and scores them")
        return
    show(table(result.scores))
    for row in result.networks:
        click.echo(f"{row['network']}: best F1 {row['best_f1']:.3f} at score {row['at_score']:.2f}, AP {row['ap']:.3f}")
    click.echo(f"F1 of each fold at the threshold of the other folds: {result.honest_f1:.3f}")
    written = write_report(result.as_dict(), folder / "crossval.json")
    click.echo(f"written: {', '.join(map(str, written))}")


@click.command()
@click.argument("configs", nargs=-1, required=True, type=PATH, metavar="CONFIG...")
@click.option("--work-dir", type=PATH, default="work_dirs/ablation", show_default=True)
@click.option("--seeds", default="0,1", show_default=True, help="Each config is trained with each of them.")
@click.option("--minutes", type=FiniteRange(min=0.01), help="For each run; else the configs' iterations.")
@click.option("--pretrained", type=PATH, help="Weights to begin from, that saw no slide which is held back.")
@changes_option
def ablate(
    configs: tuple[Path, ...],
    work_dir: Path,
    seeds: str,
    minutes: float | None,
    pretrained: Path | None,
    changes: tuple[str, ...],
) -> None:
    """Train CONFIGs alike and compare them with the first, on the slides that they hold back.

    Typed again it goes on where it stopped; runs.csv in the work dir says what is done.
    """
    from training.experiments.command import ablate as run

    shown, written = run(configs, numbers(seeds), minutes, work_dir, changes, pretrained)
    show(shown)
    click.echo(f"written: {', '.join(map(str, written))}")
