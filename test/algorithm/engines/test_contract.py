"""What every engine owes, asked of every engine."""

import numpy as np
import pytest

from algorithm.engines.onnxruntime import OnnxruntimeEngine
from algorithm.engines.openvino import OpenvinoEngine, native_bf16

TILE_PX = 128


@pytest.fixture(scope="module", params=["fake", "openvino f32", "openvino bf16", "onnxruntime f32"])
def engine(request, fake_engine, tiny_bundle):
    if request.param == "fake":
        return fake_engine(TILE_PX)
    name, precision = request.param.split()
    if name == "onnxruntime":
        return OnnxruntimeEngine(tiny_bundle / "member0.onnx", precision=precision, threads=1, cuda=False)
    if precision == "bf16" and not native_bf16():
        pytest.skip("this CPU has no bf16 arithmetic")
    return OpenvinoEngine(tiny_bundle / "member0.onnx", precision=precision, threads=1)


@pytest.fixture(scope="module")
def tiles(draw, figure):
    """Tiles (1, 128, 128, 3) with one figure, each in another place."""
    places = [(30, 40), (90, 40), (40, 100), (100, 90), (64, 64)]
    return [draw((TILE_PX, TILE_PX), [figure(x, y)])[None] for x, y in places], places


def equal(one, other):
    return (one.boxes == other.boxes).all() and (one.scores == other.scores).all()


def test_an_engine_says_what_it_is(engine):
    assert engine.tile_px == TILE_PX
    assert engine.depth >= 2
    assert engine.name and engine.device and engine.precision


def test_shapes_and_types_of_a_batch_of_one(engine, tiles):
    raw = engine.infer(tiles[0][0])
    _, k, _ = raw.boxes.shape
    assert raw.boxes.shape == (1, k, 4) and raw.scores.shape == (1, k)
    assert raw.boxes.dtype == raw.scores.dtype == np.float32
    assert np.isfinite(raw.boxes).all()


def test_scores_fall_from_at_most_one_and_are_zero_below_the_floor(engine, tiles, loaded_bundle):
    for tile in tiles[0]:
        (scores,) = engine.infer(tile).scores
        assert (np.diff(scores) <= 0).all()
        assert scores[0] <= 1
        assert ((scores == 0) | (scores >= np.float32(loaded_bundle.facts.score_floor))).all()


def test_boxes_lie_around_what_is_to_be_found(engine, tiles):
    for tile, (x, y) in zip(*tiles, strict=True):
        raw = engine.infer(tile)
        x1, y1, x2, y2 = raw.boxes[0, 0].tolist()
        assert ((x1 + x2) / 2, (y1 + y2) / 2) == (pytest.approx(x, abs=4), pytest.approx(y, abs=4))
        assert (x2 - x1, y2 - y1) == (pytest.approx(32, abs=0.5), pytest.approx(32, abs=0.5))


def test_an_empty_tile_has_no_score(engine, draw):
    assert engine.infer(draw((TILE_PX, TILE_PX))[None]).scores.max() == 0


def test_results_come_in_the_order_of_submission(engine, tiles):
    alone = [engine.infer(tile) for tile in tiles[0]]
    together = []
    for number, tile in enumerate(tiles[0]):
        if number >= engine.depth:
            together.append(engine.result())
        engine.submit(tile)
    together += [engine.result() for _ in range(engine.depth)]
    assert [equal(*pair) for pair in zip(alone, together, strict=True)] == [True] * len(alone)
    assert not equal(alone[0], alone[1])


def test_a_result_is_the_same_twice_and_is_not_overwritten_by_the_next(engine, tiles):
    first = engine.infer(tiles[0][0])
    kept = first.boxes.copy(), first.scores.copy()
    for tile in tiles[0][1:]:
        engine.infer(tile)
    assert (first.boxes == kept[0]).all() and (first.scores == kept[1]).all()
    assert equal(first, engine.infer(tiles[0][0]))


def test_a_tile_is_left_as_it_was(engine, tiles):
    tile = tiles[0][0].copy()
    engine.infer(tile)
    assert (tile == tiles[0][0]).all()
