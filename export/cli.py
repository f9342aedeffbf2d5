"""The commands of export: parse, call, print."""

from pathlib import Path
from typing import Literal

import click

from algorithm.commands import Commands, FiniteRange, debug_option
from algorithm.errors import ImageError

PROJECT = Path(__file__).resolve().parents[1]
SAMPLE = PROJECT / "test/input/interf0/images"


@click.group(cls=Commands)
@debug_option
def main() -> None:
    """Export checkpoints to what engines run."""


@main.command()
@click.argument("checkpoints", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--output", type=click.Path(path_type=Path), default="model", show_default=True)
@click.option("--tiles", type=click.Path(path_type=Path), help="Folder of images to compare on; default the sample.")
@click.option("--name", default="rtmdet-s", show_default=True)
@click.option("--version", "version", default="1", show_default=True, help="Version of the bundle.")
@click.option("--tile", "tile_px", type=click.IntRange(min=64), help="Side of a tile, px; default 480 um.")
@click.option("--score-floor", type=click.FloatRange(0, 1), help="Scores below are 0; default 0.05.")
@click.option("--top-k", type=click.IntRange(min=1), help="Boxes kept for a tile; default 4000.")
@click.option(
    "--mpp-tolerance",
    type=click.FloatRange(0, 0.5, max_open=True),
    default=0.05,
    show_default=True,
    help="Not resampled within; part of mpp.",
)
@click.option(
    "--fusion-radius",
    type=click.FloatRange(0, min_open=True),
    default=7.5,
    show_default=True,
    help="Boxes within are one figure; um.",
)
@click.option(
    "--views",
    type=click.IntRange(1, 8),
    default=1,
    show_default=True,
    help="Flips and turns of each tile or candidate.",
)
@click.option(
    "--ensemble",
    type=click.Choice(["full", "screen"]),
    default="full",
    show_default=True,
    help="Whether all members see all tiles in all views, or candidates only, which the first one finds in one.",
)
@click.option(
    "--screen-from",
    type=FiniteRange(0, 1),
    default=0.2,
    show_default=True,
    help="screen: raw score from which on it is a candidate.",
)
@click.option(
    "--again-from",
    type=FiniteRange(0, 1),
    default=0.3,
    show_default=True,
    help="screen: mean over the members in the first view from which on a candidate gets the others.",
)
@click.option(
    "--cell",
    "cell_px",
    type=click.IntRange(min=32),
    help="screen: side of a cell, px of the first checkpoint; default 48 um.",
)
def bundle(
    checkpoints: tuple[Path, ...],
    output: Path,
    tiles: Path | None,
    name: str,
    version: str,
    tile_px: int | None,
    score_floor: float | None,
    top_k: int | None,
    mpp_tolerance: float,
    fusion_radius: float,
    views: int,
    ensemble: Literal["full", "screen"],
    screen_from: float,
    again_from: float,
    cell_px: int | None,
) -> None:
    """Make a bundle of EMA CHECKPOINTS; each is compared with torch before it is accepted."""
    from export.bundle import Wishes, build

    wishes = Wishes(
        tile_px=tile_px,
        score_floor=score_floor,
        top_k=top_k,
        mpp_tolerance=mpp_tolerance,
        fusion_radius_um=fusion_radius,
        views=views,
        ensemble=ensemble,
        screen_from=screen_from,
        again_from=again_from,
        cell_px=cell_px,
    )
    compare_on = _images(tiles or SAMPLE)
    build(checkpoints, output, name=name, version=version, wishes=wishes, tile_images=compare_on, say=click.echo)


@main.command()
@click.option("--bundle", "folder", type=click.Path(path_type=Path), default="model", show_default=True)
@click.option("--tiles", type=click.Path(path_type=Path), help="Folder of images to compare on; default the sample.")
@click.option(
    "--batch",
    "batches",
    type=click.IntRange(min=1),
    multiple=True,
    default=(4, 1),
    show_default=True,
    help="Tiles at a time; a plan for each. One that fails for want of memory gives way to a smaller one.",
)
def tensorrt(folder: Path, tiles: Path | None, batches: tuple[int, ...]) -> None:
    """Build TensorRT plans of a bundle for the GPU of this machine, into its folder `tensorrt/`.

    Each is compared with the ONNX on real tiles before it is accepted. Needs requirements-gpu.txt; no torch.
    """
    from export.plans import build_plans

    build_plans(folder, batches, tile_images=_images(tiles or SAMPLE), say=click.echo)


def _images(folder: Path) -> list[Path]:
    """Return the images in a folder, searched to the bottom; none is an error."""
    from algorithm.images import SUFFIXES

    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise ImageError(f"{folder}: no image to compare on")
    return found
