"""The engine around TensorRT, with the stand-in: real numbers in every order of calls; failures."""

import shutil

import numpy as np
import onnx
import pytest

from algorithm.engines.onnxruntime import OnnxruntimeEngine
from algorithm.errors import BundleError, EngineError

TILE = 128
VERSION = "10.16.1.11"


@pytest.fixture
def member(tiny_bundle, tmp_path, monkeypatch):
    """A member that may get plans beside it, and a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return shutil.copytree(tiny_bundle, tmp_path / "model") / "member0.onnx"


@pytest.fixture
def build(gpu, member):
    """Return a function that builds plans of the member into its bundle."""

    def built(*batches):
        from algorithm.engines.tensorrt.build import build

        return [build(member, member.parent / "tensorrt", batch=batch) for batch in batches]

    return built


@pytest.fixture
def opened(gpu, member):
    def made(**options):
        from algorithm.engines.tensorrt.engine import TensorrtEngine

        return TensorrtEngine(member, **options)

    return made


@pytest.fixture
def tiles(draw, figure):
    """Ten different tiles, (10, 128, 128, 3)."""
    return np.stack([draw((TILE, TILE), [figure(40 + 5 * n, 64, 0.9 - 0.03 * n)]) for n in range(10)])


@pytest.fixture
def expected(member, tiles):
    engine = OnnxruntimeEngine(member, precision=None, threads=1, cuda=False)
    return [engine.infer(tile[None]) for tile in tiles]


def same(found, wanted):
    assert found.boxes.shape == wanted.boxes.shape and found.scores.shape == wanted.scores.shape
    np.testing.assert_allclose(found.scores, wanted.scores, atol=1e-6)
    seen = wanted.scores > 0
    np.testing.assert_allclose(found.boxes[seen], wanted.boxes[seen], atol=1e-3)


@pytest.mark.parametrize("batch", [1, 3, 4])
@pytest.mark.parametrize("ahead", [1, 2, 5, 8])
def test_results_come_in_order_and_are_those_of_onnx(build, opened, tiles, expected, batch, ahead):
    build(batch)
    engine = opened()
    assert (engine.tile_px, engine.depth) == (TILE, 2 * batch)
    results, waiting = [], 0
    for tile in tiles:
        if waiting == min(ahead, engine.depth):
            results.append(engine.result())
            waiting -= 1
        engine.submit(tile[None])
        waiting += 1
    results += [engine.result() for _ in range(waiting)]
    for found, wanted in zip(results, expected, strict=True):
        same(found, wanted)


def test_a_result_does_not_change_when_its_batch_is_used_again(build, opened, tiles, expected):
    build(1)
    engine = opened()
    first = engine.infer(tiles[0][None])
    for tile in tiles[1:]:
        engine.infer(tile[None])
    same(first, expected[0])


def test_full_batches_go_to_the_gpu_while_more_tiles_come(gpu, build, opened, tiles):
    build(4)
    engine = opened()
    at_start = gpu.runs
    for tile in tiles[:8]:
        engine.submit(tile[None])
    assert gpu.runs - at_start == 2, "two batches of four"
    with pytest.raises(EngineError, match="8 tiles are under way; ask for a result first"):
        engine.submit(tiles[8][None])


def test_the_plan_with_most_tiles_is_taken_and_can_give_way_to_a_smaller_one(gpu, build, opened, tiles, expected):
    build(1, 4)
    engine = opened()
    assert (engine.batch, engine.device, engine.precision) == (4, "Tesla T4, sm_75", "f16")
    large = sum(gpu.used.values())
    small = engine.smaller()
    assert small.batch == 1 and sum(gpu.used.values()) < large / 2, "the large one gave its memory back"
    same(small.infer(tiles[3][None]), expected[3])
    assert small.smaller() is None and gpu.used == {}


def test_without_a_plan_that_fits_it_says_which_there_are(gpu, build, opened):
    build(1)
    gpu.major, gpu.minor = 8, 6
    with pytest.raises(EngineError, match=rf"no plan of member0.onnx for sm_86 .* \(there are sm75.trt{VERSION}\)"):
        opened()


def test_without_a_gpu_it_says_so(gpu, build, opened):
    build(1)
    gpu.count = 0
    with pytest.raises(EngineError, match=r"GPU 0: cudaGetDeviceCount failed \(cudaErrorNoDevice\)"):
        opened()


def test_a_damaged_plan_is_refused(build, opened):
    [path] = build(1)
    path.write_bytes(b"no plan")
    with pytest.raises(EngineError, match=r"TensorRT cannot load it \(magic tag does not match\); build it again"):
        opened()


def test_a_plan_of_another_network_is_refused(build, opened, network):
    [path] = build(1)
    model = network()
    model.graph.node.append(onnx.helper.make_node("Identity", ["scores"], ["surplus"]))
    model.graph.output.append(onnx.helper.make_tensor_value_info("surplus", 1, [1, 32]))
    path.write_bytes(model.SerializeToString())
    with pytest.raises(EngineError, match=r"a plan of something else \(it has boxes, scores, surplus, tiles\)"):
        opened()


@pytest.mark.parametrize("megabytes", [0.01, 0.1, 0.3, 0.5])
def test_what_was_taken_is_given_back_when_the_memory_is_too_short(gpu, build, opened, megabytes):
    build(4)
    gpu.memory = int(megabytes * 1e6)
    with pytest.raises(EngineError, match=r"cudaMalloc.* failed .cudaErrorMemoryAllocation"):
        opened()
    assert gpu.used == {}


def test_the_largest_plan_that_the_memory_holds_is_opened(gpu, build, opened, member, tiles, expected):
    from algorithm.engines.tensorrt.engine import open_largest

    build(1, 2, 8)
    assert open_largest(member).batch == 8
    taken = sum(gpu.used.values())
    gpu.memory = taken + taken // 2  # of the largest a half is left, enough for the next
    engine = open_largest(member)
    assert engine.batch == 2
    same(engine.infer(tiles[5][None]), expected[5])
    gpu.memory = taken // 100
    with pytest.raises(EngineError, match="cudaErrorMemoryAllocation"):
        open_largest(member)


def test_a_gpu_that_is_lost_is_an_engine_error(gpu, build, opened, tiles):
    build(1)
    engine = opened()
    gpu.fail_at = gpu.runs + 1
    engine.submit(tiles[0][None])
    with pytest.raises(EngineError, match=r"cudaStreamSynchronize failed \(cudaErrorLaunchFailure\)"):
        engine.result()


def test_timings_are_kept_for_the_next_plan(build, member):
    build(1)
    cache = member.parent / "tensorrt" / f"timings.sm75.trt{VERSION}.cache"
    assert cache.read_bytes() == b"timed;"
    build(4)
    assert cache.read_bytes() == b"timed;timed;"


def test_a_network_that_cannot_be_built_is_an_error_with_tensorrts_reason(gpu, build, member):
    gpu.refused_build = True
    with pytest.raises(EngineError, match=rf"TensorRT {VERSION} cannot build it \(Error Code 4: no kernel\)"):
        build(1)
    assert not (member.parent / "tensorrt").exists()


def test_what_is_no_member_is_not_built(build, member):
    member.write_bytes(b"no network")
    with pytest.raises(BundleError, match="not a network that export/ wrote"):
        build(1)
