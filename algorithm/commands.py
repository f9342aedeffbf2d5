"""What the command lines of algorithm, training and export share: errors in one line, and --debug."""

import math
import traceback
from typing import Any

import click

from algorithm.errors import MitosisError

DEBUG = "debug"  # key in the context of a command


class Commands(click.Group):
    """Prints the project's own errors in one line and exits with their code; a bug keeps its traceback.

    Each of its commands takes --debug, too.
    """

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Take a command in."""
        super().add_command(debug_option(cmd), name)

    def invoke(self, context: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(context)
        except MitosisError as error:
            if context.meta.get(DEBUG):
                traceback.print_exc()
            click.echo(f"error: {error}", err=True)
            context.exit(error.exit_code)


class FiniteRange(click.FloatRange):
    """A number in a range. click's own lets NaN through: it is neither below nor above."""

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> float:
        """Return the number; fails with click's message."""
        number = float(super().convert(value, parameter, context))
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", parameter, context)
        return number


def debugging() -> bool:
    """Return whether the command that runs was given --debug, in either place."""
    return bool(click.get_current_context().meta.get(DEBUG))


def _remember(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    context.meta[DEBUG] = context.meta.get(DEBUG) or value  # meta is shared by a command and its group


# Taken before the command and after it: `run.sh --debug` can only put it after.
debug_option = click.option(
    "--debug", is_flag=True, expose_value=False, callback=_remember, help="Show the traceback of an error."
)
