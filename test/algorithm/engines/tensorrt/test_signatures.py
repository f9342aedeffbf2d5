"""The stand-in has the signatures of the real libraries: of TensorRT 10 by its type stubs, of TensorRT 11 by TensorRT
for RTX, whose API is like it, and of CUDA by NVIDIA's own bindings."""

import importlib.metadata
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]
USED = ROOT / "algorithm/engines/tensorrt"
CLASSES = (
    "Builder", "IBuilderConfig", "INetworkDefinition", "OnnxParser", "Runtime", "ICudaEngine", "IExecutionContext",
    "ITimingCache", "ILogger",
)  # fmt: skip


def methods(stand_in) -> dict[tuple[str, str], list[str]]:
    """Return the parameters of each public method and constructor of the stand-in's classes, self left out."""
    found = {}
    for name in CLASSES:
        for method, value in vars(getattr(stand_in["tensorrt"], name)).items():
            if inspect.isfunction(value) and (not method.startswith("_") or method == "__init__"):
                found[name, method] = list(inspect.signature(value).parameters)[1:]
    hidden = {(name, "__init__") for name in ("ICudaEngine", "IExecutionContext", "ITimingCache")}
    return {key: value for key, value in found.items() if key not in hidden}


def test_the_methods_are_those_of_tensorrt_10(stand_in):
    files = importlib.metadata.files("tensorrt-stubs")
    [stub] = [file.locate() for file in files if file.name == "tensorrt.pyi"]
    real = {}
    for block in re.split(r"^class ", Path(stub).read_text(), flags=re.MULTILINE):  # it is not all valid Python
        for method, parameters in re.findall(r"    def (\w+)\(self(?:, )?(.*)\) ->", block):
            real.setdefault((re.match(r"\w+", block)[0], method), []).append(re.findall(r"(\w+): ", parameters))
    for key, names in methods(stand_in).items():
        overloads = real.get(key, [])
        assert any(names == known[: len(names)] for known in overloads), (key, names, overloads)


REAL = """
import json, sys, tensorrt_rtx_bindings as trt
wanted = json.loads(sys.argv[1])
print(json.dumps([getattr(getattr(trt, name), method).__doc__ for name, method in wanted]))
"""


def test_the_methods_are_those_of_the_family_of_tensorrt_11(stand_in):
    pytest.importorskip("tensorrt_rtx_bindings", reason="tensorrt-rtx-cu12-bindings is not installed")
    wanted = methods(stand_in)
    command = [sys.executable, "-c", REAL, json.dumps(list(wanted))]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    for (key, names), said in zip(wanted.items(), json.loads(ended.stdout), strict=True):
        assert said is not None, key
        overloads = [re.findall(r"(\w+): ", line) for line in said.splitlines() if "self: " in line] or [[]]
        assert "*args" in said or any(set(names) <= set(known) for known in overloads), (key, names, said)


def test_every_name_of_tensorrt_that_is_used_is_in_the_stand_in(stand_in):
    names = {name for file in USED.glob("*.py") for name in re.findall(r"\btrt\.(\w+)", file.read_text())}
    assert {"Builder", "Runtime", "DataType"} <= names
    assert [name for name in sorted(names) if not hasattr(stand_in["tensorrt"], name)] == []


def test_the_functions_of_cuda_are_those_of_its_bindings(stand_in):
    runtime = pytest.importorskip("cuda.bindings.runtime", reason="cuda-bindings is not installed")
    text = (USED / "cuda.py").read_text()
    called = set(re.findall(r'call\("(\w+)"', text)) | set(re.findall(r"cudart\.(cuda[A-Z]\w+)", text))
    assert {"cudaMalloc", "cudaGraphLaunch", "cudaFree"} <= called
    for name in called:
        assert hasattr(runtime, name) and hasattr(stand_in["cuda"], name), name
    for name in called:
        if inspect.isfunction(here := getattr(stand_in["cuda"], name)):
            line = getattr(runtime, name).__doc__.splitlines()[0]
            real = re.search(r"\((.*)\)", line)[1]
            count = len([part for part in real.split(",") if part.strip()])
            assert len(inspect.signature(here).parameters) == count, line


def test_without_a_gpu_the_real_runtime_says_so_as_an_engine_error():
    runtime = pytest.importorskip("cuda.bindings.runtime", reason="cuda-bindings is not installed")
    if runtime.cudaGetDeviceCount()[0] == runtime.cudaError_t.cudaSuccess:
        pytest.skip("there is a GPU")
    from algorithm.engines.tensorrt import cuda
    from algorithm.errors import EngineError

    with pytest.raises(EngineError, match=r"GPU 0: cudaGetDeviceCount failed \(.+\)"):
        cuda.device_name()
