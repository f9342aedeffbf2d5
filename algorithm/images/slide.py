"""Whole slides, through OpenSlide: SVS, MRXS, NDPI, SCN, BIF, DICOM and the like."""

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from algorithm.errors import ImageError, one_line
from algorithm.frames import Mpp
from algorithm.images import trial
from algorithm.images.base import Image, plausible_mpp
from algorithm.images.colour import rgb
from algorithm.images.resampling import Pixels

GENERIC_TIFF = "generic-tiff"  # OpenSlide's name for a tiled TIFF of no vendor: tifffile reads it, with its scale
# Where vendors write the scanner's name.
SCANNER_PROPERTIES = (
    "aperio.ScannerType",
    "aperio.ScanScope ID",
    "hamamatsu.Product",
    "leica.device-model",
    "ventana.ScannerModel",
    "philips.DICOM_MANUFACTURERS_MODEL_NAME",
    "dicom.ManufacturerModelName",
    "mirax.GENERAL.SLIDE_SCANNER",
    "tiff.Model",
)


def vendor(path: Path) -> str | None:
    """Return OpenSlide's name of the format, or None: no slide. Raises ImageError without the library."""
    openslide = _openslide(path)
    try:
        found = openslide.OpenSlide.detect_format(path)
    except openslide.OpenSlideError as error:
        raise ImageError(f"{path}: a slide that cannot be read ({one_line(error)}); copy or export it again") from error
    return None if found in (None, GENERIC_TIFF) else str(found)


class SlideImage(Image):
    """A whole slide. Its frame is OpenSlide's level 0, which may reach beyond the scanned part (MRXS)."""

    def __init__(self, path: Path) -> None:
        self._library = _openslide(path)
        trial.survive(trial.OPENSLIDE, path)
        try:
            self._slide = self._library.OpenSlide(path)
            size, *coarser = self._slide.level_dimensions
            properties = dict(self._slide.properties)
            self._downsamples = tuple(self._slide.level_downsamples)
        except (self._library.OpenSlideError, OSError, LookupError, ValueError) as error:  # odd properties
            raise ImageError(
                f"{path}: a slide that cannot be read ({one_line(error)}); copy or export it again"
            ) from error
        super().__init__(path, size=size, mpp=_mpp(properties), label=_label(properties), coarser=coarser)

    def _window(self, level: int, x: int, y: int, width: int, height: int) -> Pixels:
        # OpenSlide wants the corner in whole px of level 0 and divides by its own factor, not by ours: the
        # rounding moves the picture by half a px of level 0 at most
        factor = self._downsamples[level]
        try:
            rgba = self._slide.read_region((round(x * factor), round(y * factor)), level, (width, height))
        except self._library.OpenSlideError as error:
            raise ImageError(
                f"{self.path}: level {level} is damaged at ({x}, {y}) ({one_line(error)}); copy or export it again"
            ) from error
        return rgb(np.asarray(rgba), self.path)

    def _release(self) -> None:
        self._slide.close()


def _openslide(path: Path) -> ModuleType:
    try:
        import openslide
    except (ImportError, OSError) as error:  # OSError: the package is there and its shared library is not
        raise ImageError(
            f"{path}: whole slides are read by OpenSlide, which is not installed ({error}); "
            "pip install openslide-python openslide-bin"
        ) from error
    module: ModuleType = openslide
    return module


def _mpp(properties: dict[str, str]) -> Mpp | None:
    return plausible_mpp(_number(properties.get("openslide.mpp-x")), _number(properties.get("openslide.mpp-y")))


def _label(properties: dict[str, Any]) -> str:
    scanner = next((properties[name] for name in SCANNER_PROPERTIES if properties.get(name)), None)
    name = properties.get("openslide.vendor", "slide")
    return f"{name}, {scanner}" if scanner else str(name)


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
