"""What several commands take and print."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

PATH = click.Path(path_type=Path)

changes_option = click.option(
    "--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change a setting, as in --set seed=1."
)
data_option = click.option("--data", "folders", multiple=True, required=True, type=PATH, help="A data set; repeat it.")
slides_option = click.option("--slides", help="Only these slides, as in H07,H14.")
bundle_option = click.option("--bundle", type=PATH, default="model", show_default=True)


def names(text: str | None) -> list[str]:
    """Return the names of a text with commas; none of none."""
    return [name.strip() for name in text.split(",") if name.strip()] if text else []


def numbers(text: str) -> list[int]:
    """Return the whole numbers of a text with commas; fails with click's message."""
    try:
        return [int(name) for name in names(text)]
    except ValueError:
        raise click.BadParameter(f"{text}: whole numbers with commas between them", param_hint="--seeds") from None


def warn(text: str) -> None:
    """Say what the user should look into."""
    click.echo(f"warning: {text}", err=True)


def progress() -> Callable[[int, int], None]:
    """Return a counter of images for terminals; silent elsewhere."""

    def show(done: int, total: int) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{done}/{total} images", nl=done == total, err=True)

    return show


def show(*tables: Any) -> None:
    """Print rich tables, as wide as the terminal; in a file wide enough for all columns."""
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else 180)
    for one in tables:
        console.print(one)
