"""The one face of every image: a size, perhaps a scale, and windows of pixels."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from algorithm.errors import ImageError
from algorithm.frames import Mpp, Scale
from algorithm.images.colour import WHITE
from algorithm.images.resampling import Pixels, resample

# Outside of this no slide scanner works: 72 dpi, which editors write when they know nothing, is 353 um/px.
PLAUSIBLE_UM_PER_PX = (0.05, 2.0)
MAX_DECODED_PX = 600_000_000  # an image that must be decoded whole: 1.8 GB
THUMBNAIL_BAND_PX = 20_000_000  # image pixels that one band of a thumbnail holds: 60 MB
LEVEL_TOLERANCE = 1.01  # a level may be this much coarser than asked: sizes of levels are rounded
SAME_PX = 1e-6  # fractions of a pixel below this are rounding errors


class Image(ABC):
    """A region or a whole slide, open for reading from several threads. A context manager.

    path: the file. size: (width, height) px at full resolution. mpp: um/px, or None where the file gives
    none that is plausible. origin_mm: (x, y) of the platform's frame, 0 but for MHA. label: format and
    scanner, for the record.
    """

    def __init__(
        self,
        path: Path,
        *,
        size: tuple[int, int],
        mpp: Mpp | None,
        label: str,
        origin_mm: tuple[float, float] = (0.0, 0.0),
        coarser: Sequence[tuple[int, int]] = (),
    ) -> None:
        """Keep the facts; coarser: (width, height) px of each level below full resolution, finest first."""
        if min(size) < 1:
            raise ImageError(f"{path}: the image has no pixels ({size[0]} x {size[1]})")
        self.path = path
        self.size = size
        self.mpp = mpp
        self.label = label
        self.origin_mm = origin_mm
        self._level_sizes = [size, *coarser]
        self._level_scales = [level_scale(size, level) for level in self._level_sizes]
        self._closed = False

    @abstractmethod
    def _window(self, level: int, x: int, y: int, width: int, height: int) -> Pixels:
        """Return what lies wholly inside the level, all in px of that level; level 0 is full resolution."""

    @abstractmethod
    def _release(self) -> None:
        """Let go of the file and of pixels; called once."""

    def close(self) -> None:
        """Let go of the file. Reading afterwards is a ValueError; closing twice is none."""
        if not self._closed:
            self._closed = True
            self._release()

    def read(self, x: int, y: int, width: int, height: int, *, out: tuple[int, int] | None = None) -> Pixels:
        """Return the window with corner (x, y) and size (width, height) as out = (width, height) px.

        The window is in image px, whatever `out` is. White outside the image. Averages over areas when it
        shrinks, bilinear when it grows; what is shown never shifts, whichever level it comes from. The array
        is the caller's own. Raises ImageError.
        """
        out = out or (width, height)
        if self._closed:
            raise ValueError(f"{self.path}: read after close")
        if min(width, height, *out) < 1:
            raise ValueError(f"{self.path}: window {width} x {height} as {out[0]} x {out[1]}; 1 px is the least")
        if x >= self.size[0] or y >= self.size[1] or x + width <= 0 or y + height <= 0:
            return np.full((out[1], out[0], 3), WHITE, np.uint8)
        level = self._level_for(min(width / out[0], height / out[1]))
        scale = self._level_scales[level]
        left, top = _snapped(x / scale.x), _snapped(y / scale.y)
        right, bottom = _snapped((x + width) / scale.x), _snapped((y + height) / scale.y)
        column, row = math.floor(left), math.floor(top)
        patch = self._patch(level, column, row, math.ceil(right), math.ceil(bottom))
        window = (left - column, top - row, _snapped(right - left), _snapped(bottom - top))
        pixels = resample(patch, window=window, out=out)
        return pixels if pixels.flags.owndata and pixels.flags.writeable else np.array(pixels, order="C")

    def thumbnail(self, max_px: int) -> Pixels:
        """Return the whole image, its longer side at most max_px; read in bands, which keeps memory small."""
        width, height = self.size
        shrink = max(1.0, max(self.size) / max_px)
        out_width, out_height = max(1, round(width / shrink)), max(1, round(height / shrink))
        canvas = np.empty((out_height, out_width, 3), np.uint8)
        rows = max(1, int(THUMBNAIL_BAND_PX / (width * shrink)))
        for top in range(0, out_height, rows):
            bottom = min(top + rows, out_height)
            # rounded anew for each band: half an image px off at most, and never adding up
            first = min(round(top * height / out_height), height - 1)
            last = max(round(bottom * height / out_height), first + 1)
            canvas[top:bottom] = self.read(0, first, width, last - first, out=(out_width, bottom - top))
        return canvas

    def _level_for(self, downsample: float) -> int:
        """Return the coarsest level that is not coarser than asked."""
        fits = [
            level
            for level, scale in enumerate(self._level_scales)
            if max(scale) <= max(downsample, 1.0) * LEVEL_TOLERANCE
        ]
        return max(fits, key=lambda level: max(self._level_scales[level]), default=0)

    def _patch(self, level: int, left: int, top: int, right: int, bottom: int) -> Pixels:
        """Return the box of level px, white where it leaves the image."""
        (width, height), scale = self._level_sizes[level], self._level_scales[level]
        x0, y0, x1, y1 = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
        # a level whose size was rounded down ends less than its pixel before the image does: its edge goes on
        more_x = int(right > width and width * scale.x < self.size[0] - SAME_PX)
        more_y = int(bottom > height and height * scale.y < self.size[1] - SAME_PX)
        x0, y0 = min(x0, width - 1), min(y0, height - 1)
        inside = self._window(level, x0, y0, x1 - x0, y1 - y0)
        if (left, top, right, bottom) == (x0, y0, x1, y1):
            return inside
        inside = np.pad(inside, ((0, more_y), (0, more_x), (0, 0)), mode="edge")
        inside = inside[max(top - y0, 0) :, max(left - x0, 0) :]
        canvas = np.full((bottom - top, right - left, 3), WHITE, np.uint8)
        row, column = max(y0 - top, 0), max(x0 - left, 0)
        canvas[row : row + inside.shape[0], column : column + inside.shape[1]] = inside
        return canvas

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def level_scale(size: tuple[int, int], level: tuple[int, int]) -> Scale:
    """Return image px to one px of a level.

    Pyramids are made by whole factors and sizes are rounded: 13466 px halved twice are 3366, yet the factor
    is 4 and not 4.0006, which would be 2 px off at the far edge. So a whole factor is taken where it fits
    both sides.
    """
    whole = round(size[0] / level[0])
    if whole and all(abs(there * whole - here) < whole for here, there in zip(size, level, strict=True)):
        return Scale(float(whole), float(whole))
    return Scale(size[0] / level[0], size[1] / level[1])


def plausible_mpp(x_um: float | None, y_um: float | None) -> Mpp | None:
    """Return the pixel size, or None where it is missing or no microscope has it."""
    low, high = PLAUSIBLE_UM_PER_PX
    if not x_um or not y_um or not (low <= x_um <= high and low <= y_um <= high):
        return None
    return Mpp(float(x_um), float(y_um))


def checked_decode_size(path: Path, size: tuple[int, int]) -> None:
    """Refuse an image that would have to be decoded whole and does not fit in memory."""
    if size[0] * size[1] > MAX_DECODED_PX:
        raise ImageError(
            f"{path}: {size[0]} x {size[1]} px in a format that must be decoded whole "
            f"(limit {MAX_DECODED_PX / 1e6:.0f} megapixels); save it as a tiled TIFF"
        )


def _snapped(length_px: float) -> float:
    """Return the length without the rounding errors of a division."""
    whole = float(round(length_px))
    return whole if abs(length_px - whole) < SAME_PX else length_px
