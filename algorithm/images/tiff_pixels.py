"""Three ways to the pixels of one TIFF page: mapped, decoded by segment, or decoded whole."""

import math
import threading
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
import tifffile

from algorithm.errors import ImageError
from algorithm.images.base import checked_decode_size
from algorithm.images.colour import WHITE, rgb
from algorithm.images.resampling import Pixels
from algorithm.images.segment_cache import CACHE_BYTES, SegmentCache
from algorithm.images.tiff_pages import DAMAGE, JPEG_COMPRESSIONS, alpha_of, page_size

# A window needs several segments at once; where fewer than these fit the cache, the page is decoded whole.
LEAST_CACHED_SEGMENTS = 4
JPEG_END = b"\xff\xd9"
OLD_JPEG = 6  # its strips may be bare data without markers


class PagePixels(Protocol):
    """The pixels of one page."""

    def window(self, x: int, y: int, width: int, height: int) -> Pixels:
        """Return what lies wholly inside the page, px of the page. Raises ImageError."""


class MappedPixels:
    """Uncompressed and in one piece: the system pages in what a window touches."""

    def __init__(self, path: Path, file: tifffile.TiffFile, page: tifffile.TiffPage) -> None:
        planes, _, height, width, samples = page.shaped
        self._path = path
        self._alpha = alpha_of(page)
        dtype = np.dtype(page.dtype).newbyteorder(file.byteorder)
        stored = np.memmap(path, dtype, "r", page.dataoffsets[0], (planes, height, width, samples))
        # separate planes have one sample each; either way (height, width, channels), still mapped
        self._pixels = np.moveaxis(stored[..., 0], 0, -1) if planes > 1 else np.asarray(stored[0])

    def window(self, x: int, y: int, width: int, height: int) -> Pixels:
        """Return what lies wholly inside the page, px of the page. Raises ImageError."""
        return rgb(self._pixels[y : y + height, x : x + width], self._path, alpha=self._alpha)


class SegmentPixels:
    """Tiles or strips: those that a window touches are read under a lock, decoded outside it, and cached."""

    def __init__(
        self,
        path: Path,
        file: tifffile.TiffFile,
        page: tifffile.TiffPage,
        *,
        level: int,
        lock: threading.Lock,
        cache: SegmentCache,
    ) -> None:
        self._path = path
        self._file = file.filehandle
        self._page = page
        self._level = level
        self._lock = lock
        self._cache = cache
        self._planes = int(page.shaped[0])
        self._alpha = alpha_of(page)
        self._decode = page.decode
        is_jpeg = int(page.compression) in JPEG_COMPRESSIONS
        self._ends_marked = is_jpeg and int(page.compression) != OLD_JPEG
        self._jpeg = {"jpegtables": page.jpegtables, "jpegheader": page.jpegheader} if is_jpeg else {}
        width, height = page_size(page)
        self.segment_size = segment_size(page)
        self._across = math.ceil(width / self.segment_size[0])
        self._count = self._across * math.ceil(height / self.segment_size[1])
        if len(page.dataoffsets) < self._count * self._planes:
            raise ImageError(
                f"{path}: {len(page.dataoffsets)} tiles or strips listed where {self._count * self._planes} "
                "are needed; the file is damaged, export it again"
            )

    def window(self, x: int, y: int, width: int, height: int) -> Pixels:
        """Return what lies wholly inside the page, px of the page. Raises ImageError."""
        step_x, step_y = self.segment_size
        wanted = [
            row * self._across + column
            for row in range(y // step_y, (y + height - 1) // step_y + 1)
            for column in range(x // step_x, (x + width - 1) // step_x + 1)
        ]
        # those at hand first: decoding the others may push them out
        wanted.sort(key=lambda segment: not self._cache.holds((self._level, segment)))
        canvas = np.empty((height, width, 3), np.uint8)
        for segment in wanted:
            pixels = self._cache.get((self._level, segment), partial(self.decoded, segment))
            left, top = segment % self._across * step_x - x, segment // self._across * step_y - y
            part = pixels[max(-top, 0) : height - top, max(-left, 0) : width - left]
            row, column = max(top, 0), max(left, 0)
            canvas[row : row + part.shape[0], column : column + part.shape[1]] = part
        return canvas

    def whole(self) -> Pixels:
        """Return the page, decoded once, nothing cached."""
        width, height = page_size(self._page)
        if self._count == 1:
            return np.ascontiguousarray(self.decoded(0)[:height, :width])
        canvas = np.empty((height, width, 3), np.uint8)
        for segment in range(self._count):
            column, row = (
                segment % self._across * self.segment_size[0],
                segment // self._across * self.segment_size[1],
            )
            part = self.decoded(segment)[: height - row, : width - column]
            canvas[row : row + part.shape[0], column : column + part.shape[1]] = part
        return canvas

    def decoded(self, segment: int) -> Pixels:
        """Return one tile or strip as RGB; at the far edges it may reach beyond the page."""
        parts = [self._part(segment + plane * self._count) for plane in range(self._planes)]
        present = [part for part in parts if part is not None]
        if not present:  # a scanner left it out, there being no tissue
            return np.full((self.segment_size[1], self.segment_size[0], 3), WHITE, np.uint8)
        if len(present) != self._planes:
            raise self._damaged(segment, "one of its colour planes is missing")
        stored = present[0] if self._planes == 1 else np.concatenate(present, axis=-1)
        return rgb(stored, self._path, alpha=self._alpha)

    def _part(self, index: int) -> np.ndarray | None:
        """Return the (height, width, samples) of one stored segment, or None where nothing is stored."""
        offset, count = self._page.dataoffsets[index], self._page.databytecounts[index]
        if offset == count == 0:
            return None
        try:
            with self._lock:
                self._file.seek(offset)
                data = self._file.read(count)
            if offset == 0 or len(data) < count:
                raise ValueError("cut short")
            if self._ends_marked and data.rfind(JPEG_END) < 0:
                raise ValueError("no end of the JPEG stream")  # the codec fills the rest with grey and says nothing
            pixels, _, _ = self._decode(data, index, **self._jpeg)
        except DAMAGE as error:
            raise self._damaged(index, str(error)) from error
        part: np.ndarray = np.asarray(pixels)[0]
        return part

    def _damaged(self, index: int, found: str) -> ImageError:
        total = self._count * self._planes
        what = "tile" if self._page.is_tiled else "strip"
        return ImageError(
            f"{self._path}: {what} {index + 1} of {total} is damaged ({found}); copy or export the file again"
        )


class WholePixels:
    """One big strip, or few: decoded at the first window, kept for the others."""

    def __init__(self, segments: SegmentPixels) -> None:
        self._segments = segments
        self._pixels: Pixels | None = None
        self._lock = threading.Lock()

    def window(self, x: int, y: int, width: int, height: int) -> Pixels:
        """Return what lies wholly inside the page, px of the page. Raises ImageError."""
        with self._lock:
            if self._pixels is None:
                self._pixels = self._segments.whole()
        return self._pixels[y : y + height, x : x + width]


def page_pixels(
    path: Path,
    file: tifffile.TiffFile,
    page: tifffile.TiffPage,
    *,
    level: int,
    lock: threading.Lock,
    cache: SegmentCache,
) -> PagePixels:
    """Return the way that needs the least memory. Raises ImageError where even that is too much."""
    if page.is_memmappable:
        return MappedPixels(path, file, page)
    width, height = page_size(page)
    across, down = segment_size(page)
    decodes_whole = across * down * 3 * LEAST_CACHED_SEGMENTS > CACHE_BYTES
    if decodes_whole:
        checked_decode_size(path, (max(width, across), max(height, down)))
    segments = SegmentPixels(path, file, page, level=level, lock=lock, cache=cache)
    return WholePixels(segments) if decodes_whole else segments


def segment_size(page: tifffile.TiffPage) -> tuple[int, int]:
    """Return (width, height) px of a tile or strip; the last strip may be lower."""
    if page.is_tiled:
        return int(page.tilewidth), int(page.tilelength)
    return int(page.imagewidth), min(int(page.rowsperstrip), int(page.imagelength))
