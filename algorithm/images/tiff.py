"""TIFFs that no slide scanner made its own: regions, OME-TIFF, pyramids."""

import threading
from pathlib import Path

import tifffile

from algorithm.errors import ImageError
from algorithm.images.base import Image
from algorithm.images.resampling import Pixels
from algorithm.images.segment_cache import SegmentCache
from algorithm.images.tiff_pages import DAMAGE, image_pages, page_size
from algorithm.images.tiff_pixels import page_pixels
from algorithm.images.tiff_scale import tiff_mpp


class TiffImage(Image):
    """A TIFF or BigTIFF with one RGB image; windows cost what they touch, as far as the file allows it."""

    def __init__(self, path: Path) -> None:
        try:
            file = tifffile.TiffFile(path)
        except DAMAGE as error:
            raise _damaged(path, error) from error
        try:
            self._open(path, file)
        except BaseException:
            file.close()
            raise

    def _open(self, path: Path, file: tifffile.TiffFile) -> None:
        self._file = file
        self._cache = SegmentCache()
        lock = threading.Lock()
        try:
            pages = image_pages(file, path)
            self._levels = [
                page_pixels(path, file, page, level=level, lock=lock, cache=self._cache)
                for level, page in enumerate(pages)
            ]
            mpp = tiff_mpp(file, pages[0])
            label = _label(file, pages[0])
        except DAMAGE as error:
            raise _damaged(path, error) from error
        size, *coarser = [page_size(page) for page in pages]
        super().__init__(path, size=size, mpp=mpp, label=label, coarser=coarser)

    def _window(self, level: int, x: int, y: int, width: int, height: int) -> Pixels:
        return self._levels[level].window(x, y, width, height)

    def _release(self) -> None:
        self._levels = []
        self._cache.clear()
        self._file.close()


def _label(file: tifffile.TiffFile, page: tifffile.TiffPage) -> str:
    """Return the format and, where tags name one, the scanner."""
    kind = "OME-TIFF" if file.is_ome else "BigTIFF" if file.is_bigtiff else "TIFF"
    tags = (str(page.tags.valueof(name, "")).strip() for name in ("Make", "Model"))
    scanner = " ".join(tag for tag in tags if tag)
    return f"{kind}, {scanner}" if scanner else kind


def _damaged(path: Path, error: BaseException) -> ImageError:
    return ImageError(f"{path}: a TIFF that cannot be read ({error}); the file is damaged, copy or export it again")
