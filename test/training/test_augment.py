import cv2
import numpy as np
import pytest
import torchstain
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from skimage.color import hed2rgb, rgb2hed, rgb_from_hed

from training.augment import Augment, colour, pieces, quality, stain

NO_BOXES = np.empty((0, 4), np.float32)
ALL = {
    "turn_and_flip": True, "macenko_share": 0.5, "stain_factor": 0.15, "stain_shift": 0.05, "hue_deg": 12.0,
    "saturation": 0.3, "value": 0.15, "blur_share": 0.5, "blur_sigma_px": 1.0, "jpeg_share": 0.5,
    "jpeg_quality": (60, 95),
}  # fmt: skip
ALONE = {
    "stain factor": {"stain_factor": 0.2},
    "stain shift": {"stain_shift": 0.1},
    "hue": {"hue_deg": 12.0},
    "saturation": {"saturation": 0.3},
    "value": {"value": 0.15},
    "blur": {"blur_share": 1.0, "blur_sigma_px": 1.5},
    "jpeg": {"jpeg_share": 1.0, "jpeg_quality": (40, 60)},
    "macenko": {"macenko_share": 1.0},
}
ONE, NOTHING = np.ones(3), np.zeros(3)


@pytest.fixture(scope="module")
def tissue() -> np.ndarray:
    """Nuclei in stroma, each with its stain and some noise, (96, 128, 3) uint8."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:96, :128]
    nucleus = np.hypot(x % 32 - 16, y % 32 - 16) < 9
    amounts = np.where(nucleus[..., None], (1.1, 0.2, 0.05), (0.4, 0.6, 0.02)) * rng.uniform(0.8, 1.2, (96, 128, 3))
    return np.round(255 * np.exp(-amounts @ stain.RGB_FROM_STAINS)).astype(np.uint8)


def changed(pixels: np.ndarray, seed: int = 3, **changes) -> np.ndarray:
    return Augment(**changes)(pixels, NO_BOXES, np.random.default_rng(seed))[0]


# all of them


def test_nothing_asked_is_nothing_changed_and_nothing_drawn(tissue):
    boxes = np.array([[1, 2, 3, 4]], np.float32)
    rng = np.random.default_rng(0)
    pixels, same = Augment()(tissue, boxes, rng)
    assert (pixels == tissue).all()
    assert (same == boxes).all()
    assert Augment().draw_zoom(rng) == 1
    assert not Augment().draw_mosaic(rng)
    assert rng.bit_generator.state == np.random.default_rng(0).bit_generator.state


@pytest.mark.parametrize("change", ALONE.values(), ids=ALONE)
def test_change_keeps_shape_type_boxes_and_what_it_was_given(tissue, change):
    before, boxes = tissue.copy(), np.array([[5, 3, 9, 8]], np.float32)
    pixels, same = Augment(**change)(tissue, boxes, np.random.default_rng(3))
    assert (pixels.shape, pixels.dtype) == (tissue.shape, np.uint8)
    assert (pixels != tissue).mean() > 0.3
    assert (tissue == before).all()  # not in place
    assert (same == boxes).all()


@pytest.mark.parametrize("size", [(96, 96), (128, 64)])
def test_equal_seeds_give_equal_patches_and_other_seeds_others(tissue, size):
    patch, boxes = tissue[: size[1], : size[0]], np.array([[5, 3, 9, 8], [20, 20, 40, 40]], np.float32)
    for seed in range(8):
        one, other = (Augment(**ALL)(patch, boxes, np.random.default_rng(seed)) for _ in range(2))
        assert (one[0] == other[0]).all()
        assert (one[1] == other[1]).all()
        assert (one[0] != changed(patch, seed + 100, **ALL)).any()


def test_patch_without_figures_keeps_none(tissue):
    _, boxes = Augment(**ALL)(tissue, NO_BOXES, np.random.default_rng(0))
    assert (boxes.shape, boxes.dtype) == ((0, 4), np.float32)


@pytest.mark.parametrize(
    "change", [{"blur_share": 0.25, "blur_sigma_px": 2.0}, {"jpeg_share": 0.25, "jpeg_quality": (50, 60)}]
)
def test_share_is_the_share_of_patches(tissue, change):
    small = tissue[:24, :24]
    made = np.mean([(changed(small, seed, **change) != small).any() for seed in range(400)])
    assert 0.17 < made < 0.33


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"jpeg_quality": (90, 60)}, "give the lower one first"),
        ({"jpeg_quality": (0, 60)}, "greater than or equal to 1"),
        ({"blur_share": 1.5}, "less than or equal to 1"),
        ({"zoom": -0.1}, "greater than or equal to 0"),
        ({"mosaic": True}, "Extra inputs are not permitted"),
    ],
)
def test_strength_that_cannot_be_is_refused(wrong, message):
    with pytest.raises(ValidationError, match=message):
        Augment(**wrong)


# geometry


def discs(size_px: tuple[int, int], places: list[tuple[float, float]], radius: float = 5) -> np.ndarray:
    """Return white, with a black disc at each place."""
    y, x = np.mgrid[: size_px[1], : size_px[0]] + 0.5
    pixels = np.full((size_px[1], size_px[0], 3), 255, np.uint8)
    for cx, cy in places:
        pixels[np.hypot(x - cx, y - cy) <= radius] = 0
    return pixels


def around(places: list[tuple[float, float]], half: float = 8) -> np.ndarray:
    return np.array([(x - half, y - half, x + half, y + half) for x, y in places], np.float32).reshape(-1, 4)


def piece(size_px: tuple[int, int], places: list[tuple[float, float]]) -> pieces.Piece:
    return pieces.Piece(discs(size_px, places), around(places), np.arange(len(places)))


def middles(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def seen_at(pixels: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Return the middle of what is dark around a box."""
    left, top = np.maximum(np.floor(box[:2]).astype(int), 0)
    part = 255 - pixels[top : int(np.ceil(box[3])), left : int(np.ceil(box[2])), 0].astype(float)
    y, x = np.mgrid[: part.shape[0], : part.shape[1]] + 0.5
    return np.array([(x * part).sum(), (y * part).sum()]) / part.sum() + (left, top)


def on_the_discs(made: pieces.Piece) -> None:
    for box in made.boxes:
        assert np.hypot(*(seen_at(made.pixels, box) - middles(box[None])[0])) < 0.6
        assert box[2:] - box[:2] == pytest.approx(16, abs=1e-3)


places_of = st.tuples(st.floats(20, 40), st.floats(20, 90)), st.tuples(st.floats(75, 108), st.floats(20, 90))


@settings(max_examples=60, deadline=None)
@given(places=st.tuples(*places_of), width=st.integers(96, 180), height=st.integers(80, 160))
def test_zoomed_piece_has_its_boxes_on_the_discs_and_as_large_as_before(places, width, height):
    made = pieces.resized(piece((128, 110), list(places)), (width, height))
    assert made.pixels.shape == (height, width, 3)
    on_the_discs(made)
    assert made.labels.tolist() == [0, 1]


def test_piece_of_the_right_size_is_not_resampled():
    given = piece((64, 48), [(20, 20)])
    assert pieces.resized(given, (64, 48)) is given
    empty = pieces.resized(piece((64, 48), []), (96, 96))
    assert (empty.boxes.shape, empty.labels.shape) == ((0, 4), (0,))


@settings(max_examples=60, deadline=None)
@given(places=st.tuples(*places_of), seed=st.integers(0, 10_000), square=st.booleans())
def test_turned_patch_has_its_boxes_on_the_discs(places, seed, square):
    given = piece((128, 128 if square else 112), list(places))
    turned = pieces.turned(given.pixels, given.boxes, np.random.default_rng(seed))
    assert turned[0].shape == given.pixels.shape
    on_the_discs(pieces.Piece(*turned, given.labels))


@pytest.mark.parametrize(("size", "views"), [((64, 64), 8), ((96, 32), 4)])
def test_all_views_that_keep_the_shape_are_drawn_and_change_no_colour(size, views):
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
    seen = {changed(pixels, seed, turn_and_flip=True).tobytes() for seed in range(100)}
    assert len(seen) == views
    assert len({bytes(sorted(one)) for one in seen}) == 1


def test_zoom_is_as_often_in_as_out_and_never_more_than_asked():
    rng = np.random.default_rng(0)
    factors = np.array([Augment(zoom=0.25).draw_zoom(rng) for _ in range(500)])
    assert factors.max() <= 1.25
    assert factors.min() >= 1 / 1.25
    assert abs((factors > 1).mean() - 0.5) < 0.08
    assert factors.max() - factors.min() > 0.4


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_mosaic_has_the_boxes_of_its_four_pieces_on_their_discs(seed):
    rng = np.random.default_rng(seed)
    places = pieces.quarters((160, 128), rng)
    assert sum(w * h for _, _, w, h in places) == 160 * 128
    parts = [piece((w, h), [(w / 2, h / 2)]) for _, _, w, h in places]
    made = pieces.joined(places, parts)
    assert made.pixels.shape == (128, 160, 3)
    assert len(made.boxes) == 4
    on_the_discs(made)
    for (x, y, w, h), part in zip(places, parts, strict=True):
        assert (made.pixels[y : y + h, x : x + w] == part.pixels).all()


def test_mosaic_drops_a_box_whose_middle_is_outside_of_its_quarter_and_clips_none():
    places = [(0, 0, 40, 40), (40, 0, 60, 40), (0, 40, 40, 60), (40, 40, 60, 60)]
    parts = [piece((w, h), []) for _, _, w, h in places]
    parts[0] = pieces.Piece(parts[0].pixels, around([(-1, 20), (20, 41), (2, 2)]), np.array([0, 1, 1]))
    made = pieces.joined(places, parts)
    assert made.boxes.tolist() == [[-6, -6, 10, 10]]
    assert made.labels.tolist() == [1]
    assert pieces.joined(places, [piece((w, h), []) for _, _, w, h in places]).boxes.shape == (0, 4)


# stain


def test_stains_are_those_of_ruifrok_and_johnston_as_scikit_image_has_them():
    assert (rgb_from_hed == stain.RGB_FROM_STAINS).all()


@pytest.mark.parametrize("factor", [(1.2, 1, 1), (1, 0.8, 1), (1, 1, 1.3), (0.85, 1.1, 0.9)])
def test_factor_on_the_stains_is_what_scikit_image_makes_of_it(tissue, factor):
    expected = hed2rgb(rgb2hed(tissue) * factor) * 255
    inside = (rgb2hed(tissue) > 1e-4).all(axis=2)  # scikit-image cuts what is negative off
    assert inside.mean() > 0.5
    apart = np.abs(stain.jittered(tissue, np.array(factor), NOTHING) - expected)[inside]
    assert apart.max() < 1.01


def test_shift_adds_as_much_of_a_stain_as_asked_where_there_is_tissue(tissue):
    shift = np.array([0.1, 0.05, 0.0])
    made = stain.jittered(tissue, ONE, shift)
    stained = -np.log(np.maximum(tissue, 1) / 255).sum(axis=2) > stain.TISSUE_DENSITY
    more = -np.log(made / 255) + np.log(tissue / 255)
    assert np.abs(more[stained] - shift @ stain.RGB_FROM_STAINS).max() < 0.06  # a step of intensity where it is dark


def test_stain_left_as_it_is_leaves_every_value(tissue):
    every = np.stack([np.arange(1, 256)] * 3, axis=-1).astype(np.uint8)[None]
    for pixels in (tissue, every):
        assert (stain.jittered(pixels, ONE, NOTHING) == pixels).all()


def test_white_has_no_stain_to_change():
    white = np.full((32, 32, 3), 255, np.uint8)
    for seed in range(10):
        assert (changed(white, seed, stain_factor=0.5, stain_shift=0.3) == 255).all()
        assert (changed(white, seed, macenko_share=1.0) == 255).all()


def test_black_neither_wraps_round_nor_fails():
    black = np.zeros((32, 32, 3), np.uint8)
    for seed in range(10):
        assert changed(black, seed, stain_factor=0.3, stain_shift=0.1).max() < 60


def test_normalised_patch_is_what_torchstain_makes_of_it(tissue):
    expected = torchstain.normalizers.MacenkoNormalizer(backend="numpy").normalize(tissue, stains=False)[0]
    made = stain.normalised(tissue)
    assert (made == expected).all()
    paler = stain.jittered(tissue, np.array([0.9, 1.1, 1]), NOTHING)
    apart = np.abs(tissue.astype(float) - paler).mean()
    assert np.abs(made.astype(float) - stain.normalised(paler)).mean() < 0.8 * apart


def test_patch_of_which_one_stain_alone_is_dark_enough_is_not_normalised(tissue):
    pale = stain.jittered(tissue, np.array([0.8, 0.7, 1]), NOTHING)
    assert stain.normalised(pale) is pale


@pytest.mark.parametrize("grey", [0, 128, 200, 250])
def test_even_patch_is_not_normalised_to_noise(grey):
    even = np.full((32, 32, 3), grey, np.uint8)
    noisy = np.clip(even + np.random.default_rng(0).integers(-20, 20, (32, 32, 1)), 0, 255).astype(np.uint8)
    for pixels in (even, noisy):  # no colour varies in either
        assert stain.normalised(pixels) is pixels


# colour


def test_value_brightens_or_darkens_and_never_by_more_than_asked(tissue):
    means = [changed(tissue, seed, value=0.15).mean() / tissue.mean() for seed in range(30)]
    assert 0.84 < min(means) < 0.95
    assert 1.03 < max(means) < 1.16


def test_grey_has_no_hue_to_change():
    grey = np.full((8, 8, 3), 128, np.uint8)
    assert (changed(grey, hue_deg=90.0, saturation=0.9) == 128).all()


def test_turn_of_hue_by_a_third_of_the_circle_swaps_the_channels():
    red = np.full((4, 4, 3), (200, 0, 0), np.uint8)
    assert np.abs(colour.jittered(red, 120.0, 0, 0)[0, 0].astype(int) - (0, 200, 0)).max() <= 4


# blur and JPEG


def test_blur_keeps_the_mean_and_takes_detail_away(tissue):
    made = quality.blurred(tissue, 1.0)
    assert made.mean() == pytest.approx(tissue.mean(), abs=0.5)
    assert made.std() < 0.99 * tissue.std()
    assert quality.blurred(tissue, 0.05) is tissue


def test_jpeg_keeps_colours_in_their_channels_and_loses_more_at_a_lower_quality(tissue):
    apart = [np.abs(quality.recompressed(tissue, q).astype(float) - tissue).mean() for q in (95, 80, 60, 30)]
    assert apart == sorted(apart)
    assert 0 < apart[0] < 8
    purple = np.full((32, 32, 3), (150, 60, 180), np.uint8)
    assert np.abs(quality.recompressed(purple, 90)[16, 16].astype(int) - (150, 60, 180)).max() <= 3


def test_threads_of_opencv_change_nothing(tissue):
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        alone = changed(tissue, **ALL)
        cv2.setNumThreads(4)
        assert (changed(tissue, **ALL) == alone).all()
    finally:
        cv2.setNumThreads(before)
