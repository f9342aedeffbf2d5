"""The script for someone with a GPU, rehearsed with the stand-in: it passes, and it fails when it should."""

import json
import shutil
import sys

import pytest

from benchmarks import gpu_check


@pytest.fixture
def check(gpu, tiny_bundle, tmp_path, monkeypatch, capsys):
    """Return a function that runs the script on a tiny bundle; it gives the exit code and the lines."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(gpu_check, "REGION_PX", (300, 200))
    model = shutil.copytree(tiny_bundle, tmp_path / "model")

    def run(*more):
        monkeypatch.setattr(sys, "argv", ["gpu_check", "--model", str(model), *more])
        try:
            gpu_check.main()
        except SystemExit as ended:
            return ended.code, capsys.readouterr().out.splitlines()
        return 0, capsys.readouterr().out.splitlines()

    return run


def test_it_passes_where_all_is_well_and_ends_with_numbers(check, monkeypatch):
    monkeypatch.setattr(gpu_check, "speeds", lambda arguments: {})  # a process of its own knows no stand-in
    code, lines = check()
    assert code == 0, lines
    assert lines[0] == "tensorrt: Tesla T4, sm_75, TensorRT 10.16.1.11, f16"
    assert lines[-2] == "PASSED"
    numbers = json.loads(lines[-1])
    assert numbers["f1"]["tensorrt"] == pytest.approx(numbers["f1"]["openvino"], abs=0.005)
    assert numbers["gives_way"][0] == numbers["gives_way"][1] > 0


def test_it_fails_when_f1_differs(check, monkeypatch):
    monkeypatch.setattr(gpu_check, "speeds", lambda arguments: {})
    monkeypatch.setattr(gpu_check, "f1_of", lambda bundle, engine, arguments: {"tensorrt": 0.6}.get(engine, 0.61))
    code, lines = check()
    assert code == 1 and lines[-2].startswith("FAILED: F1 differs by 0.0100 (limit 0.005)")


def test_without_a_gpu_it_says_so(gpu, check):
    gpu.count = 0
    code, lines = check()
    assert code == 1 and "cudaErrorNoDevice" in lines[0]


def test_what_it_measures_of_an_engine(check, tiny_bundle, tmp_path, monkeypatch, draw, save_tiff):
    monkeypatch.setattr(gpu_check, "SECONDS", 0.2)
    path = save_tiff(tmp_path / "a.tif", draw((300, 200)))
    code, lines = check("--engine", "openvino", "--region", str(path))
    numbers = json.loads(lines[-1])
    assert code == 0 and numbers["tiles_s"] > 0 and numbers["region_s"] >= 0
