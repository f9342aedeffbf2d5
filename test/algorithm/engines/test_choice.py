"""Which engine runs, and what is said when none can."""

import importlib.util
import logging

import onnx
import pytest
from onnx import TensorProto, helper

import algorithm.cli
from algorithm.bundle import sha256_of
from algorithm.engines import ENGINES, candidates, open_engine
from algorithm.engines import onnxruntime as ort_engine
from algorithm.engines import openvino as ov_engine
from algorithm.engines.onnxruntime import OnnxruntimeEngine
from algorithm.engines.openvino import OpenvinoEngine
from algorithm.errors import BundleError, EngineError


@pytest.fixture
def no_bf16(monkeypatch):
    monkeypatch.setattr(ov_engine, "native_bf16", lambda: False)


def test_the_choice_is_said_in_one_line(loaded_bundle, caplog):
    caplog.set_level(logging.INFO)
    engine = open_engine(loaded_bundle, 1, precision="f32", threads=1)
    (record,) = caplog.records
    assert record.message.startswith("engine: openvino for member1.onnx on ")
    assert record.message.endswith("1 thread(s), f32 (as asked)")
    assert (engine.name, engine.precision) == ("openvino", "f32")


def test_without_a_wish_it_is_the_fastest_precision_of_the_cpu(loaded_bundle, caplog, no_bf16):
    caplog.set_level(logging.INFO)
    assert open_engine(loaded_bundle, 0, threads=1).precision == "f32"
    assert caplog.records[-1].message.endswith("f32 (the fastest precision of this CPU)")


def test_without_a_wish_the_threads_are_what_the_container_allows(loaded_bundle, monkeypatch):
    monkeypatch.setattr("algorithm.engines.choice.usable_cpus", lambda: 1)
    assert open_engine(loaded_bundle, 0, precision="f32").device.endswith(", 1 thread(s)")


def test_a_precision_that_the_cpu_has_not_is_refused(loaded_bundle, no_bf16):
    with pytest.raises(EngineError, match="precision bf16: this CPU has no bf16 arithmetic; use f32"):
        open_engine(loaded_bundle, 0, precision="bf16", threads=1)


def test_a_precision_that_there_is_not_is_refused(tiny_bundle):
    with pytest.raises(EngineError, match="precision 'f16': OpenVINO on a CPU computes in f32 or bf16"):
        OpenvinoEngine(tiny_bundle / "member0.onnx", precision="f16", threads=1)


def test_a_file_that_is_no_network_is_refused(tmp_path):
    path = tmp_path / "a.onnx"
    path.write_bytes(b"no network at all" * 20)
    with pytest.raises(EngineError, match=r"a.onnx: OpenVINO cannot compile it") as caught:
        OpenvinoEngine(path, precision="f32", threads=1)
    assert "\n" not in str(caught.value)


def test_more_tiles_than_the_engine_takes_are_refused(tiny_bundle, draw):
    engine = OpenvinoEngine(tiny_bundle / "member0.onnx", precision="f32", threads=1)
    tile = draw((128, 128))[None]
    for _ in range(engine.depth):
        engine.submit(tile)
    with pytest.raises(EngineError, match="2 tiles are under way; ask for a result first"):
        engine.submit(tile)
    for _ in range(engine.depth):
        engine.result()
    assert engine.infer(tile).scores.max() == 0


@pytest.mark.parametrize("first", [0, 1])
def test_after_a_failed_tile_the_engine_takes_as_many_as_before(tiny_bundle, draw, figure, first):
    class FailsOnce:
        """A request of OpenVINO's whose device is lost in the middle of its first tile."""

        def __init__(self, request):
            self._request, self._failed = request, False

        def __getattr__(self, name):
            return getattr(self._request, name)

        def wait(self):
            self._request.wait()
            if not self._failed:
                self._failed = True
                raise RuntimeError("Exception from src/plugin.cpp:1:\nthe device is lost")

    engine = OpenvinoEngine(tiny_bundle / "member0.onnx", precision="f32", threads=1)
    tile = draw((128, 128), [figure(40, 60)])[None]
    expected = engine.infer(tile)
    engine._idle[first] = FailsOnce(engine._idle[first])
    outcomes = []
    for _ in range(3):
        for _ in range(engine.depth):
            engine.submit(tile)
        for _ in range(engine.depth):
            try:
                outcomes.append((engine.result().scores == expected.scores).all())
            except EngineError as error:
                outcomes.append(str(error))
    failure = "OpenVINO failed in the middle of a tile (Exception from src/plugin.cpp:1: the device is lost)"
    assert outcomes.pop(first) == failure
    assert outcomes == [True] * 5


def test_a_network_of_another_tile_than_the_bundle_says_is_refused(with_facts):
    with pytest.raises(BundleError, match=r"member0.onnx: takes tiles of 128 px, bundle.yaml says 192"):
        open_engine(with_facts(tile_px=192), 0, precision="f32", threads=1)


def test_a_network_without_boxes_and_scores_is_refused(tmp_path, with_facts):
    info = [helper.make_tensor_value_info(name, TensorProto.UINT8, [1, 128, 128, 3]) for name in ("tiles", "same")]
    graph = helper.make_graph([helper.make_node("Identity", ["tiles"], ["same"])], "other", info[:1], info[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, tmp_path / "other.onnx")
    bundle = with_facts(members=[{"file": "o", "sha256": sha256_of(tmp_path / "other.onnx"), "source": "code"}])
    bundle.member_path = lambda _: tmp_path / "other.onnx"
    with pytest.raises(EngineError, match=r"other.onnx: OpenVINO cannot compile it .*'boxes' is not found"):
        open_engine(bundle, 0, precision="f32", threads=1)


def test_candidates_name_each_engine_and_its_device():
    by_name = {candidate.name: candidate for candidate in candidates()}
    assert list(by_name) == ["tensorrt", "onnxruntime-cuda", "openvino", "onnxruntime"]
    assert by_name["openvino"].usable and by_name["openvino"].what.endswith((", f32", ", bf16"))
    assert by_name["onnxruntime"].usable and not by_name["tensorrt"].usable


def test_the_command_line_offers_the_engines_there_are():
    assert algorithm.cli.ENGINES == ENGINES


@pytest.mark.parametrize(("engine", "name"), [("openvino", "openvino"), ("onnxruntime", "onnxruntime")])
def test_an_engine_that_is_asked_for_is_the_one(loaded_bundle, caplog, engine, name):
    caplog.set_level(logging.INFO)
    assert open_engine(loaded_bundle, 0, engine=engine, threads=1).name == name
    assert caplog.records[-1].message.startswith(f"engine: {name} for member0.onnx on ")
    assert caplog.records[-1].message.endswith("(as asked)")


def test_an_engine_that_is_asked_for_and_cannot_run_is_an_error(loaded_bundle):
    with pytest.raises(EngineError, match="no engine can run here: onnxruntime-cuda: this onnxruntime is one for CPUs"):
        open_engine(loaded_bundle, 0, engine="onnxruntime-cuda")
    with pytest.raises(
        EngineError, match="no engine can run here: tensorrt: the package tensorrt-cu12 is not installed"
    ):
        open_engine(loaded_bundle, 0, engine="tensorrt")
    with pytest.raises(EngineError, match="engine 'tpu': there are tensorrt, onnxruntime-cuda, openvino, onnxruntime"):
        open_engine(loaded_bundle, 0, engine="tpu")


def test_an_engine_whose_package_is_missing_is_listed_with_the_reason(monkeypatch, loaded_bundle):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    openvino = candidates()[2]
    assert not openvino.usable and openvino.what.startswith("the package openvino is not installed")
    with pytest.raises(EngineError, match=r"no engine can run here: .*openvino: the package openvino is not installed"):
        open_engine(loaded_bundle, 0)


def test_without_openvino_any_cpu_is_served_by_onnxruntime(monkeypatch, loaded_bundle, caplog):
    caplog.set_level(logging.INFO)
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "openvino" else find(name))
    assert open_engine(loaded_bundle, 0, threads=1).name == "onnxruntime"
    assert caplog.records[-1].message.endswith("f32 (openvino is not installed)")


def test_a_gpu_that_does_not_open_is_passed_over_and_named(monkeypatch, loaded_bundle, caplog):
    """A build for GPUs on a machine without one: ONNX Runtime falls back without a word, we do with one."""
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(ort_engine, "has_cuda", lambda: True)
    monkeypatch.setattr(ort_engine, "CUDA", "CPUExecutionProvider")
    monkeypatch.setattr(ort_engine.ort, "InferenceSession", session_on_cpu(ort_engine.ort.InferenceSession))
    assert open_engine(loaded_bundle, 0, threads=1).name == "openvino"
    assert "onnxruntime-cuda: " in caplog.records[-1].message
    assert "ONNX Runtime finds no usable GPU" in caplog.records[-1].message


def session_on_cpu(session):
    class FallsBack(session):
        def get_providers(self):
            return []

    return FallsBack


class TestOnnxruntime:
    def test_it_agrees_with_openvino(self, tiny_bundle, draw, figure):
        tile = draw((128, 128), [figure(40, 60), figure(90, 30)])[None]
        ours, other = (
            OnnxruntimeEngine(tiny_bundle / "member0.onnx", precision=None, threads=1, cuda=False).infer(tile),
            OpenvinoEngine(tiny_bundle / "member0.onnx", precision="f32", threads=1).infer(tile),
        )
        assert ours.scores[0, 0] == pytest.approx(other.scores[0, 0], abs=1e-4)
        for raw in (
            ours,
            other,
        ):  # a disc is a plateau to the drawn network: how many of its cells are best is rounding
            found = raw.boxes[0][raw.scores[0] > 0]
            centres = {(round(x / 16), round(y / 16)) for x, y in (found[:, :2] + found[:, 2:]) / 2}
            assert centres <= {(2, 4), (3, 4), (6, 2), (5, 2)} and len(centres) >= 2

    def test_a_precision_that_it_has_not_is_refused(self, tiny_bundle):
        with pytest.raises(EngineError, match="precision 'bf16': ONNX Runtime computes this network in f32"):
            OnnxruntimeEngine(tiny_bundle / "member0.onnx", precision="bf16", threads=1, cuda=False)

    def test_a_file_that_is_no_network_is_refused(self, tmp_path):
        (tmp_path / "a.onnx").write_bytes(b"no network at all" * 20)
        with pytest.raises(EngineError, match=r"a.onnx: ONNX Runtime cannot open it"):
            OnnxruntimeEngine(tmp_path / "a.onnx", precision=None, threads=1, cuda=False)

    def test_a_tile_of_another_size_fails_alone(self, tiny_bundle, draw):
        engine = OnnxruntimeEngine(tiny_bundle / "member0.onnx", precision=None, threads=1, cuda=False)
        engine.submit(draw((96, 96))[None])
        engine.submit(draw((128, 128))[None])
        with pytest.raises(EngineError, match="ONNX Runtime failed in the middle of a tile"):
            engine.result()
        assert engine.result().scores.max() == 0

    def test_more_tiles_than_it_takes_are_refused(self, tiny_bundle, draw):
        engine = OnnxruntimeEngine(tiny_bundle / "member0.onnx", precision=None, threads=1, cuda=False)
        for _ in range(engine.depth):
            engine.submit(draw((128, 128))[None])
        with pytest.raises(EngineError, match="2 tiles are under way"):
            engine.submit(draw((128, 128))[None])


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_no_engine_keeps_an_identifier_or_loads_what_reports_home(tmp_path, python, engine, tiny_bundle):
    script = (
        "import sys; from pathlib import Path; from algorithm.bundle import load_bundle; from algorithm.engines import "
        "open_engine; open_engine(load_bundle(Path(sys.argv[1])), 0, engine=sys.argv[2], threads=1); "
        "print(sys.modules.get('openvino_telemetry'))"
    )
    ended = python("-c", script, tiny_bundle, engine, env={"HOME": str(tmp_path), "CI": "", "XDG_CACHE_HOME": ""})
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip().splitlines()[-1] == "None"
    assert list(tmp_path.rglob("*")) == []
