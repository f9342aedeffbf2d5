"""Files of every kind that is read, written by code. Each holds the same picture at 0.25 x 0.25 um/px."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL.Image
import pytest
import SimpleITK
import tifffile

MPP = 0.25
PIXELS_PER_CM = (1e4 / MPP, 1e4 / MPP)
DPI = (25_400 / MPP, 25_400 / MPP)
APERIO = "Aperio Image Library v11.2.1 |AppMag = 40|MPP = 0.25|ScanScope ID = SS1234"
JPEG_GREYS = 30  # what JPEG of quality 95 may change; most where a tile is filled up beyond the border

Picture = np.ndarray  # (height, width, 3) uint8


class Stored(NamedTuple):
    path: Path
    pixels: Picture
    greys: int  # by how much a value may differ from the picture
    mpp: float | None


def tissue(width: int, height: int) -> Picture:
    """Return something smooth that differs from place to place and from channel to channel."""
    y, x = np.mgrid[:height, :width].astype(np.float64)
    waves = (np.sin(x / 9) * np.cos(y / 13), np.sin((x + y) / 17), np.cos(x / 23) * np.sin(y / 7))
    return np.stack([150 + 80 * wave for wave in waves], axis=-1).astype(np.uint8)


def halves(pixels: Picture, factor: int) -> Picture:
    """Return a coarser level as scanners make it: means, the last incomplete pixels dropped."""
    height, width = pixels.shape[0] // factor, pixels.shape[1] // factor
    blocks = pixels[: height * factor, : width * factor].reshape(height, factor, width, factor, 3)
    return blocks.mean(axis=(1, 3)).round().astype(np.uint8)


def write_tiff(path: Path, pixels: Picture, **options: object) -> Path:
    options = {"photometric": "rgb", "resolution": PIXELS_PER_CM, "resolutionunit": "CENTIMETER"} | options
    tifffile.imwrite(path, pixels, **options)
    return path


def write_pyramid(path: Path, pixels: Picture, *, sub_ifds: bool, factors: tuple[int, ...] = (2, 4, 8)) -> Path:
    options = {"photometric": "rgb", "tile": (64, 64), "compression": "zlib", "metadata": None}
    scale = {"resolution": PIXELS_PER_CM, "resolutionunit": "CENTIMETER"}
    with tifffile.TiffWriter(path) as file:
        file.write(pixels, subifds=len(factors) if sub_ifds else None, **options, **scale)
        for factor in factors:
            file.write(halves(pixels, factor), subfiletype=1, **options)
    return path


def write_aperio(path: Path, pixels: Picture, factors: tuple[int, ...] = (4,)) -> Path:
    options = {"photometric": "rgb", "tile": (256, 256), "metadata": None, "compression": "jpeg"}
    options |= {"compressionargs": {"level": 95}}
    with tifffile.TiffWriter(path) as file:
        file.write(pixels, description=APERIO, **options)
        file.write(halves(pixels, 4), photometric="rgb", metadata=None, description=APERIO, rowsperstrip=16)
        for factor in factors:
            file.write(halves(pixels, factor), description=APERIO, **options)
    return path


def write_itk(path: Path, pixels: Picture, *, compress: bool, stack: bool = False) -> Path:
    image = SimpleITK.GetImageFromArray(pixels, isVector=True)
    image.SetSpacing((MPP / 1000, MPP / 1000))
    image.SetOrigin((1.5, 2.5))
    SimpleITK.WriteImage(SimpleITK.JoinSeries([image]) if stack else image, str(path), compress)
    return path


def write_raster(path: Path, pixels: Picture, **options: object) -> Path:
    PIL.Image.fromarray(pixels).save(path, **({"dpi": DPI} | options))
    return path


def opaque(pixels: Picture) -> Picture:
    return np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])


JPEG = {"compression": "jpeg", "compressionargs": {"level": 95}}
Writer = Callable[[Path, Picture], Path]
EXACT: dict[str, tuple[str, Writer]] = {
    "png": (".png", write_raster),
    "png rgba": (".png", lambda path, pixels: write_raster(path, opaque(pixels))),
    "tiff mapped": (".tif", write_tiff),
    "tiff strips": (".tif", lambda path, pixels: write_tiff(path, pixels, rowsperstrip=20)),
    "tiff big-endian": (".tif", lambda path, pixels: write_tiff(path, pixels, byteorder=">")),
    "tiff tiles": (".tif", lambda path, pixels: write_tiff(path, pixels, tile=(64, 64))),
    "tiff deflate tiles": (
        ".tif",
        lambda path, pixels: write_tiff(path, pixels, tile=(64, 80), compression="zlib", predictor=True),
    ),
    "tiff lzw strips": (
        ".tif",
        lambda path, pixels: write_tiff(path, pixels, rowsperstrip=20, compression="lzw"),
    ),
    "tiff deflate in one strip": (
        ".tif",
        lambda path, pixels: write_tiff(path, pixels, rowsperstrip=len(pixels), compression="zlib"),
    ),
    "tiff planes": (
        ".tif",
        lambda path, pixels: write_tiff(path, np.moveaxis(pixels, -1, 0), planarconfig="separate"),
    ),
    "tiff lzw planes": (
        ".tif",
        lambda path, pixels: write_tiff(
            path, np.moveaxis(pixels, -1, 0), planarconfig="separate", compression="lzw", rowsperstrip=20
        ),
    ),
    "bigtiff": (".tif", lambda path, pixels: write_tiff(path, pixels, bigtiff=True, compression="zlib")),
    "tiff 16 bits": (".tif", lambda path, pixels: write_tiff(path, pixels.astype(np.uint16) * 257)),
    "tiff 16 bits lzw big-endian": (
        ".tif",
        lambda path, pixels: write_tiff(
            path, pixels.astype(np.uint16) * 257, compression="lzw", byteorder=">", tile=(64, 64)
        ),
    ),
    "tiff rgba": (".tif", lambda path, pixels: write_tiff(path, opaque(pixels))),
    "tiff pyramid of pages": (".tif", lambda path, pixels: write_pyramid(path, pixels, sub_ifds=False)),
    "tiff pyramid of SubIFDs": (".tif", lambda path, pixels: write_pyramid(path, pixels, sub_ifds=True)),
    "mha": (".mha", lambda path, pixels: write_itk(path, pixels, compress=False)),
    "mha compressed": (".mha", lambda path, pixels: write_itk(path, pixels, compress=True)),
    "mha of one slice": (".mha", lambda path, pixels: write_itk(path, pixels, compress=True, stack=True)),
    "mha 16 bits": (
        ".mha",
        lambda path, pixels: write_itk(path, pixels.astype(np.uint16) * 257, compress=True),
    ),
    "mhd": (".mhd", lambda path, pixels: write_itk(path, pixels, compress=False)),
    "nrrd": (".nrrd", lambda path, pixels: write_itk(path, pixels, compress=True)),
}
LOSSY: dict[str, tuple[str, Writer]] = {
    "jpeg": (".jpg", lambda path, pixels: write_raster(path, pixels, quality=95, subsampling=0)),
    "tiff jpeg tiles": (".tif", lambda path, pixels: write_tiff(path, pixels, tile=(64, 64), **JPEG)),
    "tiff jpeg strips": (".tif", lambda path, pixels: write_tiff(path, pixels, rowsperstrip=16, **JPEG)),
    "svs": (".svs", write_aperio),
}
KINDS = EXACT | LOSSY


@pytest.fixture(scope="session")
def picture() -> Picture:
    return tissue(310, 223)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory, picture: Picture) -> Callable[[str], Stored]:
    """Return a function that gives the picture stored as one of KINDS; written once a session."""
    folder = tmp_path_factory.mktemp("kinds")

    def stored(kind: str) -> Stored:
        suffix, write = KINDS[kind]
        path = folder / f"{kind.replace(' ', '_')}{suffix}"
        if not path.exists():
            write(path, picture)
        return Stored(path, picture, 0 if kind in EXACT else JPEG_GREYS, None if kind == "jpeg" else MPP)

    return stored


@pytest.fixture(params=list(KINDS))
def stored(request: pytest.FixtureRequest, store: Callable[[str], Stored]) -> Stored:
    """One file after the other, of every kind."""
    return store(request.param)


@pytest.fixture(scope="session")
def writers() -> dict[str, Callable[..., Path]]:
    """What writes files: tests cannot import from here."""
    return {
        "tiff": write_tiff,
        "pyramid": write_pyramid,
        "aperio": write_aperio,
        "itk": write_itk,
        "raster": write_raster,
    }


@pytest.fixture(scope="session")
def draw_tissue() -> Callable[[int, int], Picture]:
    return tissue
