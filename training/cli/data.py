"""The commands that make and show an index."""

import sys
from pathlib import Path
from typing import Any

import click

from algorithm.commands import FiniteRange
from algorithm.errors import ImageError
from training.cli.shared import PATH, names, show


@click.command("import")
@click.argument("format_name", metavar="FORMAT")
@click.argument("sources", nargs=-1, required=True, type=PATH, metavar="SOURCE...")
@click.option("--output", required=True, type=PATH, help="Folder that gets the index.")
@click.option("--images", type=PATH, help="Where the pictures lie, with all below it; default beside SOURCE.")
@click.option("--allow-missing-images", "allow_missing", is_flag=True, help="Keep annotations without a picture.")
@click.option("--mpp", type=FiniteRange(0.05, 2), help="um/px, wins over what the set or the files say.")
@click.option("--data-set", default="", help="Name of the data set; default that of SOURCE.")
@click.option("--prefix", help="Put before slides' names, so that 001 of two sets are two slides.")
@click.option("--metadata", type=PATH, help="Scanner, tumour and species: datasets_xvalidation.csv of MIDOG++.")
@click.option("--classes", help="tiles: folders, as in DEB,MUS; else what a class means, as in 'Mitose=MF,Cell=drop'.")
@click.option("--verbose", is_flag=True, help="List every slide.")
def import_(
    format_name: str, sources: tuple[Path, ...], output: Path, classes: str | None, verbose: bool, **options: Any
) -> None:
    """Make an index of data in FORMAT: midog, midog25, sliderunner, icpr2012, mitos14, voc, points, crops,
    canine_tiles, exact, coco, geojson, tiles or csv (docs/data.md)."""
    from training.importers.base import Options
    from training.importers.command import import_data
    from training.importers.report import tables

    chosen = Options(classes=tuple(names(classes)), **options)
    imported = import_data(format_name, sources, chosen, output)
    show(*tables(imported, every_slide=verbose))
    click.echo(f"written: {output}")


@click.command()
@click.argument("index", type=PATH)
@click.option("--output", type=PATH, help="The page goes here; default results/inspect/NAME.")
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


@click.command()
@click.argument("source", type=PATH)
@click.option("--output", required=True, type=PATH, help="Folder that gets the indexes train and kept.")
@click.option("--one-of", type=click.IntRange(min=2), default=5, show_default=True, help="Keep one slide of so many.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Which slides are drawn.")
def split(source: Path, output: Path, one_of: int, seed: int) -> None:
    """Keep a part of SOURCE from training: by glass, alike in tumours, scanners and kinds of cell."""
    from training.experiments.split import KEPT_NAME, TRAIN_NAME, split_folder

    for name, images in zip((TRAIN_NAME, KEPT_NAME), split_folder(source, one_of, output, seed=seed), strict=True):
        figures = sum(len(image.places("MF")) for image in images)
        slides = len({image.slide for image in images})
        click.echo(f"{output / name}: {figures} figures in {len(images)} images of {slides} slides")
