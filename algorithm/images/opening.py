"""Which reader a file needs, by its content and not by its name."""

import os
from pathlib import Path

from algorithm.errors import ImageError
from algorithm.frames import Mpp
from algorithm.images.base import Image
from algorithm.images.raster import JPEG, PNG, RasterImage

SLIDE_SUFFIXES = (".svs", ".ndpi", ".mrxs", ".scn", ".bif", ".vms", ".vmu", ".svslide", ".dcm")
# What a search through a folder takes; a file that is named goes by its content alone.
SUFFIXES = (".tif", ".tiff", ".mha", ".mhd", ".png", ".jpg", ".jpeg", *SLIDE_SUFFIXES)
JPEG_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif")
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # the last two are BigTIFF
HEAD_BYTES = 1024


def open_image(path: Path, *, mpp: Mpp | None = None) -> Image:
    """Open a region or a slide; mpp (um/px), where given, wins over what the file says.

    Raises ImageError when the file is missing, empty, of an unknown format or damaged. Damage that shows
    only in later pixels is an ImageError of `read`.
    """
    image = _reader(path, _head(path))
    if mpp is not None:
        image.mpp = mpp
    return image


def _reader(path: Path, head: bytes) -> Image:
    """Return the reader. Libraries of formats that a file cannot be are not imported."""
    suffix = path.suffix.lower()
    if head.startswith(PNG) or (head.startswith(JPEG) and suffix in JPEG_SUFFIXES):
        return RasterImage(path)
    from algorithm.images.metaimage import ItkImage, itk_reads
    from algorithm.images.metaimage_data import is_metaimage

    if is_metaimage(head):
        return ItkImage(path)
    from algorithm.images.slide import SlideImage

    if _is_slide(path):
        return SlideImage(path)
    if head.startswith(TIFF):
        from algorithm.images.tiff import TiffImage

        return TiffImage(path)
    if head.startswith(JPEG) and suffix != ".mrxs":
        return RasterImage(path)
    if suffix == ".mrxs":
        raise ImageError(f"{path}: not a complete MIRAX slide; its folder {path.stem}/ must lie beside it")
    if itk_reads(path):
        return ItkImage(path)
    raise ImageError(
        f"{path}: not an image of a known format (it begins with {head[:4]!r}); "
        "TIFF, PNG, JPEG, MHA and the slides of OpenSlide are read"
    )


def _is_slide(path: Path) -> bool:
    """Ask OpenSlide; without it a file named like a slide is an error, and any other is none."""
    from algorithm.images.slide import vendor

    try:
        return vendor(path) is not None
    except ImageError:
        if path.suffix.lower() in SLIDE_SUFFIXES:
            raise
        return False


def _head(path: Path) -> bytes:
    if os.path.isdir(path):  # False, not an error, where it may not be looked at
        raise ImageError(f"{path}: a folder; an image file is needed here")
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise ImageError(f"{path}: cannot be opened ({error.strerror})") from error
    if not head:
        raise ImageError(f"{path}: the file is empty (0 bytes); copy or export it again")
    return head
