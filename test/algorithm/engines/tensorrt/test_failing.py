"""A GPU that fails in the middle of an image: less memory, then the next engine, and the right answer in the end."""

import json
import logging
import shutil

import numpy as np
import pytest
from click.testing import CliRunner

from algorithm.bundle import load_bundle
from algorithm.detector import Detector, Options
from algorithm.engines import FallbackEngine, candidates, open_engine
from algorithm.errors import EngineError
from algorithm.frames import Mpp

SIZE = (700, 500)


@pytest.fixture
def folder(tiny_bundle, tmp_path, monkeypatch):
    """A bundle that may get plans, and a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return shutil.copytree(tiny_bundle, tmp_path / "model")


@pytest.fixture
def planned(gpu, folder):
    """The bundle with plans of four tiles and of one for each of its members."""
    from algorithm.engines.tensorrt.build import build

    for member in folder.glob("*.onnx"):
        for batch in (1, 4):
            build(member, folder / "tensorrt", batch=batch)
    return load_bundle(folder)


@pytest.fixture
def image(memory_image, draw, spread_figures):
    return memory_image(draw(SIZE, spread_figures(SIZE)), Mpp(0.5, 0.5))


def found(bundle, image, **options):
    detections, record = Detector(bundle, Options(threads=1, **options)).detect(image)
    return detections, record


@pytest.fixture
def right(loaded_bundle, image):
    """What OpenVINO finds in the image."""
    detections, _ = found(loaded_bundle, image, engine="openvino", precision="f32")
    assert len(detections.figures) > 50
    return detections


def same(detections, right):
    assert len(detections.figures) == len(right.figures)
    np.testing.assert_allclose(detections.xy, right.xy, atol=0.01)
    np.testing.assert_allclose(detections.probability, right.probability, atol=1e-4)


def test_it_is_the_first_choice_and_finds_the_same(planned, image, right, caplog):
    caplog.set_level(logging.INFO)
    detections, record = found(planned, image)
    same(detections, right)
    assert (record.engine, record.precision) == ("tensorrt on Tesla T4, sm_75", "f16")
    assert caplog.messages[0].startswith("engine: tensorrt for member0.onnx on Tesla T4, sm_75, f16 (a plan fits")
    assert record.engine_failures == []


@pytest.mark.parametrize("runs", [0, 1, 3, 7])
def test_a_lost_gpu_is_replaced_and_nothing_is_lost(gpu, planned, image, right, runs, caplog):
    detector = Detector(planned, Options(threads=1))
    gpu.fail_at = gpu.runs + 1 + runs
    detections, record = detector.detect(image)
    same(detections, right)
    assert record.engine.startswith("openvino on ")
    assert any("cudaStreamSynchronize failed (cudaErrorLaunchFailure)" in one for one in record.engine_failures)
    warned = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert any("going on with openvino" in message for message in warned)
    again, record = detector.detect(image)  # the next image begins with what is left
    same(again, right)
    assert record.engine_failures == []


def test_when_only_the_memory_is_short_fewer_tiles_at_a_time_do(gpu, planned, image, monkeypatch):
    detector = Detector(planned, Options(threads=1, members=1, engine="tensorrt"))
    from algorithm.engines.tensorrt.engine import _Slot

    real, calls = _Slot.fetch, []

    def fetch(slot):
        calls.append(slot.tiles.host.shape[0])
        if calls == [4, 4]:
            raise EngineError("GPU 0: cudaGraphLaunch failed (cudaErrorMemoryAllocation)")
        return real(slot)

    monkeypatch.setattr(_Slot, "fetch", fetch)
    detections, record = detector.detect(image)
    assert (calls[:2], set(calls[2:])) == ([4, 4], {1})
    assert record.engine == "tensorrt on Tesla T4, sm_75" and len(record.engine_failures) == 1
    alone, _ = found(planned, image, members=1, engine="openvino", precision="f32")
    same(detections, alone)


def test_an_engine_that_was_asked_for_gives_way_to_none(gpu, planned, image):
    detector = Detector(planned, Options(threads=1, engine="tensorrt"))
    gpu.fail_at = gpu.runs
    with pytest.raises(EngineError, match="cudaErrorLaunchFailure"):
        detector.detect(image)


def test_without_a_plan_the_next_engine_says_why(gpu, folder, caplog):
    caplog.set_level(logging.INFO)
    engine = open_engine(load_bundle(folder), 0, threads=1)
    assert engine.name == "openvino"
    assert "tensorrt: no plan of member0.onnx for sm_75 and TensorRT 10.16.1.11" in caplog.messages[-1]
    with pytest.raises(EngineError, match=r"no plan of member0\.onnx"):
        open_engine(load_bundle(folder), 0, engine="tensorrt")


def test_a_plan_is_built_at_start_where_that_is_allowed_and_kept(gpu, folder, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    assert open_engine(load_bundle(folder), 0, build=True).name == "tensorrt"
    assert [path.suffix for path in sorted((tmp_path / "cache/mitosis/tensorrt").iterdir())] == [".plan", ".cache"]
    assert sum("building a TensorRT plan" in message for message in caplog.messages) == 1
    assert open_engine(load_bundle(folder), 0, build=True).name == "tensorrt"
    assert sum("building a TensorRT plan" in message for message in caplog.messages) == 1


def test_what_is_known_of_it_without_opening_it(gpu):
    [candidate] = [one for one in candidates() if one.name == "tensorrt"]
    assert (candidate.usable, candidate.what) == (True, "Tesla T4, sm_75, TensorRT 10.16.1.11, f16")
    gpu.count = 0
    [candidate] = [one for one in candidates() if one.name == "tensorrt"]
    assert not candidate.usable and "cudaErrorNoDevice" in candidate.what


def test_the_record_of_detect_names_what_failed(gpu, planned, tmp_path, draw, spread_figures, save_tiff):
    from algorithm.cli import main

    gpu.fail_at = gpu.runs + 30
    path = save_tiff(tmp_path / "a.tif", draw(SIZE, spread_figures(SIZE)))
    command = ["detect", path, "--model", planned.folder, "--output", tmp_path / "out", "--threads", 1]
    ended = CliRunner().invoke(main, [str(part) for part in command])
    assert ended.exit_code == 0, ended.output
    record = json.loads((tmp_path / "out/a/run.json").read_text())
    assert record["engine"].startswith("openvino") and len(record["engine_failures"]) >= 1


def test_an_engine_of_another_tile_does_not_take_over(fake_engine):
    class Broken(fake_engine):
        def result(self):
            raise EngineError("lost")

    engine = FallbackEngine(Broken(), [lambda: fake_engine(256)])
    engine.submit(np.zeros((1, 128, 128, 3), np.uint8))
    with pytest.raises(EngineError, match="lost"):
        engine.result()
