"""The commands of training: parse, call, print."""

import click

from algorithm.commands import Commands, debug_option
from training.cli import data, experiments, runs, scores


@click.group(cls=Commands)
@debug_option
def main() -> None:
    """Train and evaluate detectors of mitotic figures."""


for _command in (
    data.import_,
    data.inspect,
    data.split,
    runs.pretrain,
    runs.train,
    scores.evaluate,
    scores.calibrate,
    runs.mine,
    runs.average,
    runs.recover,
    experiments.crossval,
    experiments.ablate,
):
    main.add_command(_command)
