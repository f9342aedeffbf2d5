"""Where each format keeps the size of a pixel, and what is no size of a pixel."""

import numpy as np
import pytest
import tifffile

from algorithm.images import open_image
from algorithm.images.base import plausible_mpp

OME = (
    '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0"><Pixels '
    'ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="40" SizeY="30" SizeC="3" SizeZ="1" SizeT="1" '
    "{sizes}/></Image></OME>"
)
PIXELS = np.full((30, 40, 3), 200, np.uint8)


def mpp_of(path):
    with open_image(path) as image:
        return image.mpp


@pytest.mark.parametrize(
    ("unit", "per_unit", "expected"),
    [
        ("CENTIMETER", (40_000, 20_000), (0.25, 0.5)),
        ("INCH", (101_600, 101_600), (0.25, 0.25)),
        ("INCH", (72, 72), None),
        ("CENTIMETER", (1, 1), None),
        ("NONE", (40_000, 40_000), None),
        ("CENTIMETER", (0, 40_000), None),
    ],
)
def test_tiff_tags_give_the_scale_where_it_is_plausible(tmp_path, unit, per_unit, expected):
    path = tmp_path / "region.tif"
    tifffile.imwrite(path, PIXELS, photometric="rgb", resolution=per_unit, resolutionunit=unit)
    assert mpp_of(path) == (expected and pytest.approx(expected, rel=1e-5))


@pytest.mark.parametrize(("kind", "value"), [("f", 40_000.0), ("I", 40_000), ("d", 40_000.0)])
def test_a_resolution_of_a_type_that_the_standard_does_not_know_is_none(tmp_path, kind, value):
    path = tmp_path / "region.tif"
    tags = [(tag, kind, 1, value, True) for tag in (282, 283)]
    tifffile.imwrite(path, PIXELS, photometric="rgb", extratags=tags)
    assert mpp_of(path) is None


def test_a_tiff_without_resolution_has_no_scale(tmp_path):
    path = tmp_path / "region.tif"
    tifffile.imwrite(path, PIXELS, photometric="rgb")
    assert mpp_of(path) is None


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ('PhysicalSizeX="0.25" PhysicalSizeY="0.26"', (0.25, 0.26)),
        (
            'PhysicalSizeX="0.25" PhysicalSizeXUnit="µm" PhysicalSizeY="0.25" PhysicalSizeYUnit="µm"',
            (0.25, 0.25),
        ),
        (
            'PhysicalSizeX="250" PhysicalSizeXUnit="nm" PhysicalSizeY="0.00025" PhysicalSizeYUnit="mm"',
            (0.25, 0.25),
        ),
        ('PhysicalSizeX="1" PhysicalSizeXUnit="pixel" PhysicalSizeY="1" PhysicalSizeYUnit="pixel"', None),
        ('PhysicalSizeX="wide" PhysicalSizeY="0.25"', None),
        ("", None),
    ],
)
def test_ome_xml_gives_the_scale_in_its_own_unit(tmp_path, sizes, expected):
    path = tmp_path / "region.ome.tif"
    xml = OME.format(sizes=sizes).encode()
    tifffile.imwrite(path, PIXELS, photometric="rgb", description=xml, metadata=None)
    assert mpp_of(path) == (expected and pytest.approx(expected))
    with open_image(path) as image:
        assert image.label == "OME-TIFF"


def test_ome_xml_that_is_damaged_leaves_the_scale_to_the_tags(tmp_path):
    path = tmp_path / "region.ome.tif"
    xml = OME.format(sizes="").replace('SizeZ="1"', "SizeZ=").encode()
    tifffile.imwrite(
        path,
        PIXELS,
        photometric="rgb",
        description=xml,
        metadata=None,
        resolution=(1e5, 1e5),
        resolutionunit="INCH",
    )
    assert mpp_of(path) == pytest.approx((0.254, 0.254))


@pytest.mark.parametrize("unit", ["micron", "um", "\\u00B5m", "MM"])
def test_imagej_counts_pixels_in_one_of_its_unit(tmp_path, unit):
    path = tmp_path / "region.tif"
    per_unit = (4000, 2000) if unit == "MM" else (4, 2)
    metadata = {"unit": unit, "axes": "YXS"}
    tifffile.imwrite(path, PIXELS, photometric="rgb", imagej=True, resolution=per_unit, metadata=metadata)
    assert mpp_of(path) == pytest.approx((0.25, 0.5))


def test_a_region_that_imagescope_exported_keeps_the_scale_of_its_slide(tmp_path):
    path = tmp_path / "region.tif"
    text = "Aperio Image Library v12 |AppMag = 40|MPP = 0.2498|Left = 3.5"
    tifffile.imwrite(path, PIXELS, photometric="rgb", description=text, metadata=None, rowsperstrip=8)
    assert mpp_of(path) == pytest.approx((0.2498, 0.2498))


def test_a_png_has_the_scale_of_its_dpi(tmp_path, writers):
    assert mpp_of(writers["raster"](tmp_path / "a.png", PIXELS)) == pytest.approx((0.25, 0.25), rel=1e-4)
    assert mpp_of(writers["raster"](tmp_path / "b.png", PIXELS, dpi=(72, 72))) is None


def test_the_dpi_of_a_jpeg_are_not_believed(tmp_path, writers):
    # 101,600 dpi become 36,064 in the 16 bits of the field
    assert mpp_of(writers["raster"](tmp_path / "a.jpg", PIXELS)) is None


def test_mha_has_spacing_and_origin_in_millimetres(tmp_path, writers):
    with open_image(writers["itk"](tmp_path / "a.mha", PIXELS, compress=False)) as image:
        assert image.mpp == pytest.approx((0.25, 0.25))
        assert image.origin_mm == pytest.approx((1.5, 2.5))


def test_an_svs_has_the_scale_and_the_scanner_of_its_description(tmp_path, writers, draw_tissue):
    with open_image(writers["aperio"](tmp_path / "a.svs", draw_tissue(600, 500))) as image:
        assert image.mpp == pytest.approx((0.25, 0.25))
        assert image.label == "aperio, SS1234"
        assert image.origin_mm == (0.0, 0.0)


@pytest.mark.parametrize(
    ("x", "y"), [(None, 0.25), (0.25, 0.0), (0.04, 0.25), (0.25, 2.1), (352.8, 352.8), (float("nan"), 0.25)]
)
def test_what_no_microscope_has_is_missing(x, y):
    assert plausible_mpp(x, y) is None
