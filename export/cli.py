"""The commands of export: parse, call, print."""

import math
from pathlib import Path

import click

from algorithm.errors import BundleError, ImageError, MitosisError

PROJECT = Path(__file__).resolve().parents[1]
SAMPLE = PROJECT / "test/input/interf0/images"
DEFAULT_TILE_UM = 480.0  # 960 px at 0.5 um/px: least waste on regions of 2 mm2
OVERLAP_BOXES = 2  # a figure on a border is seen whole by its owner
TILE_STEP_PX = 32  # the coarsest stride of the network


@click.group()
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
@click.option("--top-k", type=click.IntRange(min=1), help="Boxes kept for a tile; default 1000.")
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
) -> None:
    """Make a bundle of EMA CHECKPOINTS; each is compared with torch before it is accepted."""
    from export.bundle import Shape, build
    from training.model import SCORE_FLOOR, TOP_K, load_checkpoint

    try:
        facts = load_checkpoint(checkpoints[0])[1]
        shape = Shape(
            tile_px=tile_px or TILE_STEP_PX * round(DEFAULT_TILE_UM / facts.mpp / TILE_STEP_PX),
            overlap_px=math.ceil(OVERLAP_BOXES * facts.box_um / facts.mpp),
            score_floor=SCORE_FLOOR if score_floor is None else score_floor,
            top_k=top_k or TOP_K,
            mpp_tolerance=mpp_tolerance,
            fusion_radius_um=fusion_radius,
        )
        if shape.tile_px % TILE_STEP_PX or shape.tile_px <= shape.overlap_px:
            raise BundleError(
                f"--tile {shape.tile_px}: give a multiple of {TILE_STEP_PX} above {shape.overlap_px}, "
                "the overlap of two boxes"
            )
        build(
            checkpoints,
            output,
            name=name,
            version=version,
            shape=shape,
            tile_images=_images(tiles or SAMPLE),
            say=click.echo,
        )
    except MitosisError as error:
        click.echo(f"error: {error}", err=True)
        raise SystemExit(error.exit_code) from error


def _images(folder: Path) -> list[Path]:
    """Return the images in a folder, searched to the bottom; none is an error."""
    from algorithm.images import SUFFIXES

    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise ImageError(f"{folder}: no image to compare on")
    return found
