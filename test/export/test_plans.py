"""`python -m export tensorrt`, with the stand-in for TensorRT: what is built, what is compared, what is refused."""

import shutil

import onnx
import pytest
from click.testing import CliRunner

from export.cli import main

VERSION = "10.16.1.11"


@pytest.fixture
def folder(tiny_bundle, tmp_path, monkeypatch, draw, spread_figures, save_tiff):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    save_tiff(tmp_path / "tiles/a.tif", draw((200, 200), spread_figures((200, 200))))
    return shutil.copytree(tiny_bundle, tmp_path / "model")


@pytest.fixture
def export(folder):
    def run(*more):
        command = ["tensorrt", "--bundle", folder, "--tiles", folder.parent / "tiles", *more]
        return CliRunner().invoke(main, [str(part) for part in command])

    return run


def test_plans_of_each_member_and_batch_are_built_and_compared(gpu, folder, export):
    ended = export("--batch", 4, "--batch", 1)
    assert ended.exit_code == 0, ended.output
    names = [f"member{number}.sm75.trt{VERSION}.b{batch}.plan" for number in (0, 1) for batch in (1, 4)]
    assert sorted(path.name for path in (folder / "tensorrt").glob("*.plan")) == sorted(names)
    assert [line.split(":")[0] for line in ended.stdout.splitlines()] == names
    assert all("against the ONNX on 8 tiles: scores " in line for line in ended.stdout.splitlines())
    assert gpu.used == {}, "nothing is left on the GPU"


def test_a_plan_that_says_something_else_is_refused_and_not_left_behind(gpu, folder, export, monkeypatch):
    import algorithm.engines.tensorrt.build as build

    real = build.typed_member

    def damaged(member, *, batch):
        model = real(member, batch=batch)
        [gain] = [constant for constant in model.graph.initializer if constant.name == "gain"]
        value = onnx.numpy_helper.to_array(gain)
        gain.CopyFrom(onnx.numpy_helper.from_array(value * value.dtype.type(1.05), "gain"))
        return model

    monkeypatch.setattr(build, "typed_member", damaged)
    ended = export("--batch", 1)
    assert ended.exit_code == 3
    assert "scores differ from the ONNX by" in ended.stderr and "not accepted" in ended.stderr
    assert list((folder / "tensorrt").glob("*.plan")) == []


def test_without_tensorrt_it_says_what_to_install(folder, export):
    ended = export()
    assert ended.exit_code == 4
    assert "TensorRT cannot be used here" in ended.stderr and "requirements-gpu.txt" in ended.stderr


def test_without_a_gpu_it_says_so(gpu, export):
    gpu.count = 0
    ended = export()
    assert ended.exit_code == 4 and "cudaGetDeviceCount failed" in ended.stderr
