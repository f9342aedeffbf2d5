"""What only one family of formats has: colours of every sort, levels, caches, missing libraries."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import tifffile

from algorithm.errors import ImageError
from algorithm.images import open_image
from algorithm.images.segment_cache import SegmentCache
from algorithm.images.tiff_pixels import MappedPixels, SegmentPixels, WholePixels

RED = (200, 100, 0)
REAL_SLIDE = Path(__file__).parents[3] / "../shared/data/slides/CMU-1-Small-Region.svs"


def rgba(alpha):
    pixels = np.zeros((20, 30, 4), np.uint8)
    pixels[...] = (*RED, alpha)
    return pixels


def pixel(path):
    with open_image(path) as image:
        return image.read(3, 3, 1, 1)[0, 0].tolist()


@pytest.mark.parametrize(
    ("meaning", "stored", "shown"),
    [
        ("unassalpha", (*RED, 128), [228, 177, 127]),
        ("assocalpha", (100, 50, 0, 128), [227, 177, 127]),
        ("unspecified", (*RED, 0), list(RED)),
        ("unassalpha", (*RED, 0), [255, 255, 255]),
    ],
)
def test_a_fourth_channel_of_a_tiff_is_what_its_tag_says(tmp_path, meaning, stored, shown):
    pixels = np.zeros((20, 30, 4), np.uint8)
    pixels[...] = stored
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, photometric="rgb", extrasamples=[meaning])
    assert pixel(path) == pytest.approx(shown, abs=1)


def test_a_png_is_laid_over_white(tmp_path):
    PIL.Image.fromarray(rgba(0)).save(tmp_path / "a.png")
    assert pixel(tmp_path / "a.png") == [255, 255, 255]


def test_palettes_and_cmyk_become_rgb(tmp_path):
    image = PIL.Image.new("RGB", (30, 20), RED)
    image.convert("P", palette=PIL.Image.Palette.ADAPTIVE).save(tmp_path / "p.png")
    image.convert("CMYK").save(tmp_path / "c.jpg", quality=95)
    assert pixel(tmp_path / "p.png") == pytest.approx(RED, abs=2)
    assert pixel(tmp_path / "c.jpg") == pytest.approx(RED, abs=6)


def test_exif_does_not_turn_the_picture(tmp_path, picture):
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # orientation: quarter turn
    PIL.Image.fromarray(picture).save(tmp_path / "a.jpg", exif=exif, quality=95)
    with open_image(tmp_path / "a.jpg") as image:
        assert image.size == (310, 223)


@pytest.mark.parametrize(
    ("kind", "way"),
    [
        ("tiff mapped", MappedPixels),
        ("tiff strips", MappedPixels),
        ("tiff planes", MappedPixels),
        ("tiff tiles", SegmentPixels),
        ("tiff deflate tiles", SegmentPixels),
        ("tiff lzw planes", SegmentPixels),
    ],
)
def test_each_tiff_is_read_the_cheapest_way(store, kind, way):
    with open_image(store(kind).path) as image:
        assert type(image._levels[0]) is way


def test_few_big_strips_are_decoded_once_for_all_windows(store, monkeypatch):
    monkeypatch.setattr("algorithm.images.tiff_pixels.CACHE_BYTES", 300_000)
    stored = store("tiff deflate in one strip")
    with open_image(stored.path) as image:
        assert type(image._levels[0]) is WholePixels
        assert (image.read(5, 6, 70, 80) == stored.pixels[6:86, 5:75]).all()
        monkeypatch.setattr(SegmentPixels, "decoded", None)
        assert (image.read(50, 60, 70, 80) == stored.pixels[60:140, 50:120]).all()


def test_a_row_of_overlapping_windows_decodes_each_strip_once(store, monkeypatch):
    decoded = []
    plain = SegmentPixels.decoded
    monkeypatch.setattr(SegmentPixels, "decoded", lambda self, segment: decoded.append(segment) or plain(self, segment))
    with open_image(store("tiff lzw strips").path) as image:
        for x in range(0, 300, 30):
            image.read(x, 10, 50, 100)
    assert sorted(decoded) == list(range(6))


def test_tiles_that_were_never_written_are_white(tmp_path, picture):
    path = tmp_path / "sparse.tif"
    pixels = np.tile(picture[:64, :64], (2, 2, 1))
    tifffile.imwrite(path, pixels, tile=(64, 64), photometric="rgb", compression="zlib")
    with tifffile.TiffFile(path, mode="r+b") as file:
        for tag in ("TileOffsets", "TileByteCounts"):
            values = list(file.pages[0].tags[tag].value)
            values[1] = 0
            file.pages[0].tags[tag].overwrite(values)
    with open_image(path) as image:
        assert (image.read(64, 0, 64, 64) == 255).all()
        assert (image.read(0, 64, 64, 64) == picture[:64, :64]).all()


def test_the_cache_keeps_within_its_bytes_and_drops_the_oldest():
    cache = SegmentCache(budget_bytes=3 * 300)
    made = []

    def make(segment):
        return lambda: made.append(segment) or np.zeros((10, 10, 3), np.uint8)

    for segment in (0, 1, 2, 0, 3):
        cache.get((0, segment), make(segment))
    assert made == [0, 1, 2, 3]
    assert [cache.holds((0, segment)) for segment in range(4)] == [True, False, True, True]


def test_the_cache_decodes_a_segment_once_for_all_threads():
    cache, made, gate = SegmentCache(), [], threading.Barrier(8)

    def decode():
        made.append(1)
        return np.zeros((10, 10, 3), np.uint8)

    with ThreadPoolExecutor(8, initializer=gate.wait) as pool:
        list(pool.map(lambda _: cache.get((0, 0), decode), range(200)))
    assert len(made) == 1


def test_the_cache_hands_on_an_error_and_forgets_it():
    cache = SegmentCache()

    def fail():
        raise ImageError("broken")

    with pytest.raises(ImageError, match="broken"):
        cache.get((0, 0), fail)
    assert cache.get((0, 0), lambda: np.zeros((1, 1, 3), np.uint8)).shape == (1, 1, 3)


def test_an_svs_goes_to_openslide_and_a_plain_tiff_does_not(store):
    for kind, reader in (("svs", "SlideImage"), ("tiff jpeg tiles", "TiffImage"), ("bigtiff", "TiffImage")):
        with open_image(store(kind).path) as image:
            assert type(image).__name__ == reader


def test_without_openslide_slides_are_an_error_and_tiffs_are_not(store, monkeypatch):
    monkeypatch.setitem(sys.modules, "openslide", None)
    with pytest.raises(ImageError, match=r"svs.svs: whole slides .* not installed .*pip install openslide-python"):
        open_image(store("svs").path)
    with open_image(store("tiff jpeg tiles").path) as image:
        assert image.size == (310, 223)


def test_without_simpleitk_mha_is_an_error(store, monkeypatch):
    monkeypatch.setitem(sys.modules, "SimpleITK", None)
    with pytest.raises(ImageError, match=r"mha.mha: MHA .* not installed; pip install SimpleITK"):
        open_image(store("mha").path)


def test_a_real_slide_is_read_at_its_scale():
    if not REAL_SLIDE.exists():
        pytest.skip(f"{REAL_SLIDE.name} is not beside this repository")
    with open_image(REAL_SLIDE) as image:
        assert image.size == (2220, 2967)
        assert image.mpp == pytest.approx((0.499, 0.499))
        assert image.label.startswith("aperio")
        window = image.read(500, 700, 800, 600)
        assert 100 < window.mean() < 250
        assert np.abs(image.read(500, 700, 800, 600, out=(200, 150)).mean() - window.mean()) < 1
        assert image.thumbnail(256).shape == (256, 192, 3)
