"""Boxes stay on their figures whatever moves them: turns, zoom, mosaic."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.augment import Augment, pasting, pieces


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
    seen = {pieces.turned(pixels, around([]), np.random.default_rng(seed))[0].tobytes() for seed in range(100)}
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


def test_pasted_piece_keeps_its_cells_and_fades_into_the_ground():
    ground = pieces.Piece(np.full((100, 120, 3), 100, np.uint8), around([(60, 50), (105, 90)]), np.array([7, 8]))
    made = pasting.pasted(ground, piece((48, 48), [(24, 24), (3, 3)]), (36, 20))
    assert made.labels.tolist() == [8, 0]  # covered: the ground's in the middle; outside: the piece's in the corner
    assert middles(made.boxes).tolist() == [[105, 90], [60, 44]]
    assert seen_at(made.pixels, made.boxes[1]) == pytest.approx([60, 44], abs=0.6)
    assert (made.pixels[30:38, 55:65] == 255).all()  # its own in the middle
    assert (made.pixels[20:68, [36, 83]] == 100).all() and (made.pixels[[20, 67], 36:84] == 100).all()
    assert np.abs(np.diff(made.pixels[44, 36:55, 0].astype(int))).max() < 60  # no edge
    assert (ground.pixels == 100).all()


@pytest.mark.parametrize("corner", [(0, 0), (72, 52)])
def test_piece_is_pasted_up_to_the_border(corner):
    ground = piece((120, 100), [])
    made = pasting.pasted(ground, piece((48, 48), [(24, 24)]), corner)
    on_the_discs(made)
    assert made.pixels.shape == (100, 120, 3)
