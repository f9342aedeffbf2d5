"""What is shown stays where it is: at every output size, from every level."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algorithm.frames import Scale
from algorithm.images import open_image, resize
from algorithm.images.base import Image, level_scale

WIDTH, HEIGHT = 1333, 1027  # no multiple of 2: levels lose their last pixels
DOTS = [(40.5, 33.5), (611.0, 500.0), (1301.5, 987.5)]  # the last one is near the far corner
RADIUS_PX = 16
OUTS = [1.0, 1.37, 2.0, 2.17, 3.3, 4.0, 4.13, 6.5, 8.0]  # downsamples


@pytest.fixture(scope="module")
def dots():
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5  # pixel centres
    inside = np.zeros((HEIGHT, WIDTH), bool)
    for cx, cy in DOTS:
        inside |= (x - cx) ** 2 + (y - cy) ** 2 < RADIUS_PX**2
    return np.repeat(np.where(inside, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)


@pytest.fixture(scope="module", params=["flat", "pages", "SubIFDs", "level 8 only", "svs"])
def drawn(request, dots, tmp_path_factory, writers):
    folder = tmp_path_factory.mktemp("dots")
    if request.param == "flat":
        return writers["tiff"](folder / "flat.tif", dots, compression="zlib", tile=(256, 256))
    if request.param == "svs":
        return writers["aperio"](folder / "dots.svs", dots, factors=(2, 4, 8))
    factors = (8,) if request.param == "level 8 only" else (2, 4, 8)
    return writers["pyramid"](folder / "pyramid.tif", dots, sub_ifds=request.param == "SubIFDs", factors=factors)


def centre(pixels, *, left, top, scale_x, scale_y):
    """Return the centre of what is dark, in image px."""
    dark = 255.0 - pixels.mean(axis=2)
    dark[dark < 30] = 0  # ringing of JPEG
    y, x = np.mgrid[: dark.shape[0], : dark.shape[1]] + 0.5
    return left + (x * dark).sum() / dark.sum() * scale_x, top + (y * dark).sum() / dark.sum() * scale_y


@pytest.mark.parametrize("downsample", OUTS)
@pytest.mark.parametrize("dot", DOTS)
@pytest.mark.parametrize("shift", [0, 1, 3, 6])
def test_a_dot_stays_within_half_a_pixel(drawn, dot, downsample, shift):
    left, top, side = int(dot[0]) - 30 - shift, int(dot[1]) - 29 - shift, 69
    out = max(1, round(side / downsample))
    with open_image(drawn) as image:
        pixels = image.read(left, top, side, side, out=(out, out))
        if left + side > WIDTH or top + side > HEIGHT:
            assert pixels[-1, -1].min() > 250
    found = centre(pixels, left=left, top=top, scale_x=side / out, scale_y=side / out)
    # OpenSlide itself can only be asked for a whole pixel of full resolution: half a pixel more
    assert found == pytest.approx(dot, abs=1.0 if drawn.suffix == ".svs" else 0.5)


def test_a_dot_stays_within_half_a_pixel_of_the_thumbnail(drawn):
    with open_image(drawn) as image:
        small = image.thumbnail(400)
    scale_x, scale_y = WIDTH / small.shape[1], HEIGHT / small.shape[0]
    for x, y in DOTS:
        column, row = int((x - 30) / scale_x), int((y - 30) / scale_y)
        part = small[row : row + 20, column : column + 20]
        found = centre(part, left=column * scale_x, top=row * scale_y, scale_x=scale_x, scale_y=scale_y)
        assert found == pytest.approx((x, y), abs=0.5 * scale_x)


def test_a_thumbnail_of_many_bands_equals_one_of_one(drawn, monkeypatch):
    with open_image(drawn) as image:
        one = image.thumbnail(300).astype(int)
        monkeypatch.setattr("algorithm.images.base.THUMBNAIL_BAND_PX", WIDTH * 40)
        many = image.thumbnail(300).astype(int)
    assert np.abs(one - many).mean() < 1.0


class Pyramid(Image):
    """Remembers which level was asked for."""

    def __init__(self, coarser):
        super().__init__(Path("none"), size=(1000, 800), mpp=None, label="", coarser=coarser)
        self.asked = []

    def _window(self, level, x, y, width, height):
        size = self._level_sizes[level]
        assert 0 <= x < x + width <= size[0] and 0 <= y < y + height <= size[1]
        self.asked.append(level)
        return np.full((height, width, 3), 100, np.uint8)

    def _release(self):
        pass


@pytest.mark.parametrize(("downsample", "level"), [(1, 0), (1.9, 0), (2, 1), (3.9, 1), (4, 2), (50, 2)])
def test_the_coarsest_level_that_is_fine_enough_is_read(downsample, level):
    image = Pyramid([(500, 400), (250, 200)])
    image.read(100, 100, 400, 400, out=(round(400 / downsample), round(400 / downsample)))
    assert image.asked == [level]


def test_growing_reads_full_resolution():
    image = Pyramid([(500, 400)])
    assert image.read(0, 0, 10, 10, out=(40, 40)).shape == (40, 40, 3)
    assert image.asked == [0]


@given(
    x=st.integers(-60, 1060),
    y=st.integers(-60, 860),
    width=st.integers(1, 300),
    height=st.integers(1, 300),
    out=st.tuples(st.integers(1, 80), st.integers(1, 80)),
)
@settings(max_examples=200, deadline=None)
def test_any_window_of_a_pyramid_has_its_size_and_no_foreign_values(x, y, width, height, out):
    image = Pyramid([(499, 400), (250, 199), (63, 50)])
    pixels = image.read(x, y, width, height, out=out)
    assert pixels.shape == (out[1], out[0], 3)
    assert pixels.min() >= 99
    if x >= 0 and x + width <= 1000 and y >= 0 and y + height <= 800:
        assert np.abs(pixels.astype(int) - 100).max() <= 1, "white came in from outside"


@given(
    x=st.integers(-40, 340),
    y=st.integers(-40, 260),
    width=st.integers(1, 200),
    height=st.integers(1, 200),
    kind=st.sampled_from(["tiff mapped", "tiff deflate tiles", "tiff lzw strips", "tiff planes", "mha", "png"]),
)
@settings(max_examples=150, deadline=None)
def test_any_window_is_that_of_the_array(store, x, y, width, height, kind):
    stored = store(kind)
    wide = np.full((223 + 600, 310 + 600, 3), 255, np.uint8)
    wide[300:523, 300:610] = stored.pixels
    with open_image(stored.path) as image:
        pixels = image.read(x, y, width, height)
    assert (pixels == wide[300 + y : 300 + y + height, 300 + x : 300 + x + width]).all()


@given(source=st.integers(8, 400), out=st.integers(2, 400))
@settings(max_examples=150, deadline=None)
def test_a_ramp_keeps_its_place_when_resized(source, out):
    ramp = (np.arange(source) * (250 / source)).astype(np.float64)
    pixels = np.repeat(np.repeat(ramp.round().astype(np.uint8)[None, :, None], 4, axis=0), 3, axis=2)
    got = resize(pixels, (out, 4))[0, :, 0].astype(float)
    places = (np.arange(out) + 0.5) * source / out - 0.5
    expected = np.clip(places, 0, source - 1) * (250 / source)
    edge = 2 + round(out / source)  # the border has no neighbour to lean on
    assert np.abs(got - expected)[edge:-edge].max(initial=0) <= 2.0


@pytest.mark.parametrize("factor", [2, 3, 4, 6, 8])
def test_whole_factors_average_their_blocks(factor, draw_tissue):
    pixels = draw_tissue(48 * factor, 32 * factor)
    blocks = pixels.reshape(32, factor, 48, factor, 3).mean(axis=(1, 3))
    assert np.abs(resize(pixels, (48, 32)) - blocks).max() <= 1.5


@pytest.mark.parametrize("factor", [1.6, 2.17, 3.4, 4.13, 7.6])
def test_other_factors_stay_near_exact_area_means(factor, draw_tissue):
    pixels = draw_tissue(400, 300)
    out = (round(400 / factor), round(300 / factor))
    across, down = areas(400, out[0]), areas(300, out[1])
    exact = np.stack([down @ pixels[..., channel] @ across.T for channel in range(3)], axis=-1)
    assert np.abs(resize(pixels, out) - exact).mean() < 1.0


def areas(source, out):
    """Return the (out, source) weights of exact area means."""
    low = np.arange(out)[:, None] * source / out
    cell = np.arange(source)[None, :]
    overlap = np.minimum(low + source / out, cell + 1) - np.maximum(low, cell)
    return np.clip(overlap, 0, None) * out / source


def test_one_pixel_is_an_image(tmp_path, writers):
    path = writers["tiff"](tmp_path / "one.tif", np.full((1, 1, 3), 7, np.uint8))
    with open_image(path) as image:
        assert image.read(0, 0, 1, 1).tolist() == [[[7, 7, 7]]]
        assert (image.read(0, 0, 1, 1, out=(5, 4)) == 7).all()
        assert image.thumbnail(100).shape == (1, 1, 3)
        assert image.read(-1, -1, 3, 3)[1, 1].tolist() == [7, 7, 7]


def test_a_sliver_has_a_thumbnail(tmp_path, writers):
    path = writers["tiff"](tmp_path / "sliver.tif", np.full((2, 900, 3), 7, np.uint8))
    with open_image(path) as image:
        assert image.thumbnail(30).shape == (1, 30, 3)


@pytest.mark.parametrize(
    ("size", "level", "scale"),
    [
        ((13466, 10094), (3366, 2523), Scale(4.0, 4.0)),
        ((13466, 10094), (3367, 2524), Scale(4.0, 4.0)),
        ((1000, 1000), (400, 400), Scale(2.5, 2.5)),
        ((1, 1), (1, 1), Scale(1.0, 1.0)),
    ],
)
def test_the_factor_of_a_level_is_whole_where_sizes_were_rounded(size, level, scale):
    assert level_scale(size, level) == scale
