"""MetaImage (MHA, MHD), and what else only SimpleITK reads (NRRD, NIfTI, BMP)."""

import math
import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from algorithm.errors import ImageError
from algorithm.frames import UM_PER_MM
from algorithm.images import trial
from algorithm.images.base import Image, checked_decode_size, plausible_mpp
from algorithm.images.colour import check_rgb, rgb
from algorithm.images.metaimage_data import HEADER_BYTES, inflated, is_metaimage, local_data, mapped
from algorithm.images.resampling import Pixels

STRAIGHT_TOLERANCE = 1e-6  # of a direction cosine


class ItkImage(Image):
    """An image whose header SimpleITK reads: spacing and origin in mm become um/px and origin_mm (x, y).

    The pixels of an MHA with its data in the same file are mapped, or inflated at the first window; SimpleITK
    itself goes on after damaged data with no more than a line on stderr, so it decodes only what is left.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            is_meta = is_metaimage(file.read(HEADER_BYTES))
        self._local = local_data(path) if is_meta else None
        if self._local is None:  # a header that was looked at is no danger
            trial.survive(trial.SIMPLEITK, path)
        reader = _header(path, io="MetaImageIO" if is_meta else None)
        size = tuple(int(length) for length in reader.GetSize())
        if len(size) > 3 or size[2:] not in ((), (1,)):
            raise ImageError(f"{path}: {' x '.join(map(str, size))} px; one flat image is needed, not a stack")
        _check_straight(path, reader.GetDirection())
        sitk = _simpleitk(path)
        numpy_type = _dtype(sitk, reader.GetPixelID(), path)
        check_rgb(path, channels=int(reader.GetNumberOfComponents()), dtype=numpy_type)
        self._shape = (size[1], size[0], int(reader.GetNumberOfComponents()))
        self._pixels: NDArray[np.generic] | None = None
        self._lock = threading.Lock()
        if self._local is not None and not self._local.is_compressed:
            self._pixels = mapped(path, self._local, self._shape)
        else:
            checked_decode_size(path, (size[0], size[1]))
        spacing, origin = reader.GetSpacing(), reader.GetOrigin()
        super().__init__(
            path,
            size=(size[0], size[1]),
            mpp=plausible_mpp(spacing[0] * UM_PER_MM, spacing[1] * UM_PER_MM),
            label=str(reader.GetImageIO()).removesuffix("IO") or "ITK",
            origin_mm=(float(origin[0]), float(origin[1])),
        )

    def _window(self, level: int, x: int, y: int, width: int, height: int) -> Pixels:
        with self._lock:
            if self._pixels is None:
                self._pixels = self._decoded()
            pixels = self._pixels
        return rgb(pixels[y : y + height, x : x + width], self.path)

    def _release(self) -> None:
        self._pixels = None

    def _decoded(self) -> Pixels:
        if self._local is not None:
            return rgb(inflated(self.path, self._local, self._shape), self.path)
        sitk = _simpleitk(self.path)
        try:
            stored = sitk.GetArrayFromImage(sitk.ReadImage(str(self.path)))
        except RuntimeError as error:
            raise _damaged(self.path, error) from error
        return rgb(np.asarray(stored).reshape(self._shape), self.path)


def itk_reads(path: Path) -> bool:
    """Say whether SimpleITK is there and knows the format."""
    try:
        sitk = _simpleitk(path)
    except ImageError:
        return False
    return bool(sitk.ImageFileReader.GetImageIOFromFileName(str(path)))


def _simpleitk(path: Path) -> Any:
    try:
        import SimpleITK  # a slow import, needed by few
    except ImportError as error:
        raise ImageError(f"{path}: MHA is read by SimpleITK, which is not installed; pip install SimpleITK") from error
    module: Any = SimpleITK  # its own type hints leave out half
    module.ProcessObject.SetGlobalWarningDisplay(False)  # what is wrong with a file is said by our errors
    return module


def _header(path: Path, *, io: str | None) -> Any:
    """Return SimpleITK's reader after it has read the header; io: its format, else it goes by name."""
    reader = _simpleitk(path).ImageFileReader()
    reader.SetFileName(str(path))
    if io is not None:
        reader.SetImageIO(io)
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise _damaged(path, error) from error
    return reader


def _dtype(sitk: Any, pixel_id: int, path: Path) -> np.dtype[np.generic]:
    if pixel_id in (sitk.sitkUInt8, sitk.sitkVectorUInt8):
        return np.dtype(np.uint8)
    if pixel_id in (sitk.sitkUInt16, sitk.sitkVectorUInt16):
        return np.dtype(np.uint16)
    kind = sitk.GetPixelIDValueAsString(pixel_id)
    raise ImageError(f"{path}: pixels of type {kind}; RGB of 8 or 16 bits a channel is needed")


def _check_straight(path: Path, direction: tuple[float, ...]) -> None:
    axes = math.isqrt(len(direction))
    if np.abs(np.reshape(direction, (axes, axes)) - np.eye(axes)).max() > STRAIGHT_TOLERANCE:
        raise ImageError(f"{path}: turned or mirrored (direction {direction}); save it with the identity as direction")


def _damaged(path: Path, error: Exception) -> ImageError:
    reason = str(error).strip().splitlines()[-1]
    return ImageError(f"{path}: SimpleITK cannot read it ({reason}); the file is damaged, copy or export it again")
