"""Which images a benchmark looks at: `--data` and `--slides`, alike in those that score networks."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from training.importers import read_folders
from training.index import IndexedImage, of_slides


def add_to(parser: argparse.ArgumentParser, *, all_by_default: bool = False) -> None:
    """Add the two options. Without all_by_default slides have to be named: others may have been trained on."""
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument(
        "--slides",
        type=lambda text: text.split(","),
        required=not all_by_default,
        help="of the data" + ("; all where none are named" if all_by_default else ""),
    )


def images_of(options: argparse.Namespace) -> list[IndexedImage]:
    """Return the images that the two options name. Raises DataError for data or slides that are not there."""
    images = read_folders(options.data)
    return of_slides(images, options.slides) if options.slides else images


def of_unseen(description: str | None, *, files: Sequence[str] = ()) -> argparse.Namespace:
    """Return the command line of a benchmark of a bundle on slides by the members that never saw them.

    files: names of further options, each of which has to name a file.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, required=True)
    add_to(parser, all_by_default=True)
    parser.add_argument("--precision", choices=["f32", "bf16"])
    for name in files:
        parser.add_argument(f"--{name}", type=Path, required=True)
    return parser.parse_args()
