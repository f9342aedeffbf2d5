"""Which pages of a TIFF are the image and its coarser levels, and whether they can be read at all."""

import logging
import struct
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import tifffile

from algorithm.errors import ImageError
from algorithm.images.base import level_scale
from algorithm.images.colour import Alpha, check_rgb

# What is wrong with a file is said by our own errors, once.
logging.getLogger("tifffile").addHandler(logging.NullHandler())
logging.getLogger("tifffile").propagate = False

# What tifffile and its codecs raise when bytes are not what they should be: tags lead to any of these.
# RuntimeError is the base of the codecs' errors.
DAMAGE = (
    tifffile.TiffFileError,
    RuntimeError,
    OSError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    ArithmeticError,
    struct.error,
    MemoryError,
)

REDUCED, MASK = 1, 4  # bits of NewSubfileType
JPEG_COMPRESSIONS = (6, 7, 33007, 34892)  # tifffile turns their YCbCr into RGB
ALPHAS = {1: Alpha.MULTIPLIED, 2: Alpha.STRAIGHT}  # ExtraSamples
LEVEL_SIZE_SLACK_PX = 1.5  # halving several times rounds several times
Pages = Iterable[tifffile.TiffPage | tifffile.TiffFrame]


def image_pages(file: tifffile.TiffFile, path: Path) -> list[tifffile.TiffPage]:
    """Return the page of full resolution and its coarser levels, finest first.

    Levels are SubIFDs of that page or pages flagged as reduced, of the same shape and kind of pixels; other
    pages (labels, overviews of the glass) are passed over. Raises ImageError for several images, for none,
    for anything that is not RGB, and for a file that is cut short.
    """
    pages = [page for page in _full(_chain(file.pages, path)) if not page.subfiletype & MASK]
    images = [page for page in pages if not page.subfiletype & REDUCED]
    if not images:
        raise ImageError(f"{path}: no image found in this TIFF, only masks and smaller copies")
    main = max(images, key=_area)
    same = sum(page_size(page) == page_size(main) for page in images)
    if same > 1:
        width, height = page_size(main)
        raise ImageError(
            f"{path}: {same} images of {width} x {height} px in one TIFF; save the one that is meant alone"
        )
    _check_readable(main, path)
    reduced = [page for page in pages if page.subfiletype & REDUCED]
    levels = [page for page in (*_full(main.pages), *reduced) if _is_level(page, main)]
    kept = [main]
    for page in sorted(levels, key=_area, reverse=True):
        if _area(page) < _area(kept[-1]):
            _check_readable(page, path)
            kept.append(page)
    return kept


def alpha_of(page: tifffile.TiffPage) -> Alpha:
    """Return what the fourth sample means; where the file does not say that it is alpha, it is not."""
    return ALPHAS.get(int(page.extrasamples[0]), Alpha.NONE) if page.extrasamples else Alpha.NONE


def page_size(page: tifffile.TiffPage) -> tuple[int, int]:
    """Return (width, height) px."""
    return int(page.imagewidth), int(page.imagelength)


def _area(page: tifffile.TiffPage) -> int:
    return int(page.imagewidth) * int(page.imagelength)


def _chain(pages: Pages, path: Path) -> Pages:
    """Yield the pages of a file; tifffile follows a chain that leads back into itself for ever."""
    seen = set()
    for page in pages:
        if page.offset in seen:
            raise ImageError(f"{path}: its pages follow each other in a circle; copy or export the file again")
        seen.add(page.offset)
        yield page


def _full(pages: Pages | None) -> list[tifffile.TiffPage]:
    """Return the pages with tags of their own; frames, which share another's, are only made on demand."""
    return [page for page in pages or () if isinstance(page, tifffile.TiffPage)]


def _is_level(page: tifffile.TiffPage, main: tifffile.TiffPage) -> bool:
    same_kind = (page.dtype, page.samplesperpixel) == (main.dtype, main.samplesperpixel)
    if not same_kind or not 0 < _area(page) < _area(main):
        return False
    scale = level_scale(page_size(main), page_size(page))
    return all(
        abs(here - there * min(scale)) < min(scale) * LEVEL_SIZE_SLACK_PX
        for here, there in zip(page_size(main), page_size(page), strict=True)
    )


def _check_readable(page: tifffile.TiffPage, path: Path) -> None:
    if page.dtype is None or page.imagedepth != 1 or _area(page) == 0:
        raise ImageError(
            f"{path}: a TIFF page of {page.imagewidth} x {page.imagelength} x {page.imagedepth} px "
            f"with {page.bitspersample} bits cannot be read; save it as 8-bit RGB"
        )
    check_rgb(path, channels=int(page.samplesperpixel), dtype=np.dtype(page.dtype))
    photometric = int(page.photometric)
    decodes_to_rgb = photometric == tifffile.PHOTOMETRIC.RGB or (
        photometric == tifffile.PHOTOMETRIC.YCBCR and int(page.compression) in JPEG_COMPRESSIONS
    )
    if not decodes_to_rgb or page.bitspersample not in (8, 16):
        name = getattr(page.photometric, "name", photometric)
        raise ImageError(
            f"{path}: colours stored as {name}, {page.bitspersample} bits; "
            "an H&E image in RGB of 8 or 16 bits is needed"
        )
    _check_complete(page, path)


def _check_complete(page: tifffile.TiffPage, path: Path) -> None:
    """Find a file that is cut short before hours are spent on the part that is there."""
    offsets, counts = page.dataoffsets, page.databytecounts
    if len(offsets) == 0 or len(offsets) != len(counts):
        raise ImageError(f"{path}: the list of tiles or strips is damaged; copy or export the file again")
    end, have = max(a + b for a, b in zip(offsets, counts, strict=True)), path.stat().st_size
    if end > have:
        raise ImageError(
            f"{path}: cut short, pixels go on to byte {end}, the file ends at {have}; copy or export it again"
        )
