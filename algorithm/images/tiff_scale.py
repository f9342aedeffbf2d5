"""The size of a pixel as TIFFs say it: OME-XML, ImageJ, Aperio's description, or the resolution tags."""

import re
from xml.etree import ElementTree

import tifffile

from algorithm.frames import Mpp
from algorithm.images.base import plausible_mpp

UM_PER_UNIT = {
    "nm": 0.001,
    "um": 1.0,
    "\u00b5m": 1.0,  # micro sign
    "\u03bcm": 1.0,  # Greek mu
    "\\u00b5m": 1.0,  # as ImageJ escapes it, in lower case
    "micron": 1.0,
    "microns": 1.0,
    "micrometer": 1.0,
    "mm": 1000.0,
    "cm": 10_000.0,
    "inch": 25_400.0,
    "in": 25_400.0,
}
UM_PER_RESOLUTION_UNIT = {2: 25_400.0, 3: 10_000.0}  # inch, cm; 1 is none
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 282, 283, 296
INCH = 2  # what the standard takes where the unit is missing
APERIO_MPP = re.compile(r"\|\s*MPP\s*=\s*([0-9.]+)")


def tiff_mpp(file: tifffile.TiffFile, page: tifffile.TiffPage) -> Mpp | None:
    """Return um/px from whichever part of the file gives a plausible one; the more exact is asked first."""
    return _ome(file.ome_metadata) or _imagej(file, page) or _aperio(page.description) or _tags(page)


def _ome(xml: str | None) -> Mpp | None:
    if not xml:
        return None
    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError:  # the pixels are fine; the scale is then missing, which is said later
        return None
    for element in root.iter():
        if element.tag.rpartition("}")[2] == "Pixels":
            x, y = (_ome_length(element.attrib, f"PhysicalSize{axis}") for axis in "XY")
            return plausible_mpp(x, y)
    return None


def _ome_length(attributes: dict[str, str], name: str) -> float | None:
    unit = UM_PER_UNIT.get(attributes.get(f"{name}Unit", "um"))
    length = _number(attributes.get(name))
    return None if unit is None or length is None else length * unit


def _imagej(file: tifffile.TiffFile, page: tifffile.TiffPage) -> Mpp | None:
    """ImageJ names the unit in the description, and the tags count pixels in one of it."""
    metadata = file.imagej_metadata
    if not metadata:
        return None
    unit = UM_PER_UNIT.get(str(metadata.get("unit", "")).lower())
    return None if unit is None else _from_tags(page, unit)


def _aperio(description: str) -> Mpp | None:
    """Regions that ImageScope exports keep the slide's description, and often have no other scale."""
    found = APERIO_MPP.search(description) if description.startswith("Aperio") else None
    mpp = _number(found.group(1)) if found else None
    return plausible_mpp(mpp, mpp)


def _tags(page: tifffile.TiffPage) -> Mpp | None:
    unit = UM_PER_RESOLUTION_UNIT.get(int(page.tags.valueof(RESOLUTION_UNIT, INCH)))
    return None if unit is None else _from_tags(page, unit)


def _from_tags(page: tifffile.TiffPage, um_per_unit: float) -> Mpp | None:
    lengths = []
    for tag in (X_RESOLUTION, Y_RESOLUTION):
        value = page.tags.valueof(tag)
        # the standard wants a fraction, (pixels, units); any other type of value says nothing that could be trusted
        pixels, units = value if isinstance(value, tuple) and len(value) == 2 else (0, 1)
        lengths.append(um_per_unit * units / pixels if pixels else None)
    return plausible_mpp(lengths[0], lengths[1])


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
