"""A stand-in for TensorRT and CUDA, which cannot be installed on a machine without NVIDIA's libraries.

Its classes have the names and signatures of the real ones, which test/algorithm/engines/tensorrt/test_signatures.py
compares. Plans hold the ONNX that they were built from and are computed by ONNX Runtime, device memory is memory of the
host, streams do at once what is queued, and a recorded graph does it again: what goes through it are real numbers, and
each mistake in the order of copies, runs and waits shows in them.
"""

import ctypes
import importlib.machinery
import sys
import types
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

VERSION = "10.16.1.11"


class Gpu:
    """What the stand-in's device is like, and what was done on it. fail_at: the n-th run and all later ones fail."""

    def __init__(self) -> None:
        self.count, self.name, self.major, self.minor = 1, b"Tesla T4", 7, 5
        self.memory = 16 * 2**30
        self.used: dict[int, int] = {}
        self.arrays: dict[int, Any] = {}
        self.runs = 0
        self.fail_at = None
        self.recording: dict[int, list[Callable[[], None]]] = {}
        self.streams = 0
        self.refused_build = False

    def allocate(self, size: int) -> int | None:
        if sum(self.used.values()) + size > self.memory:
            return None
        array = (ctypes.c_uint8 * size)()
        address = ctypes.addressof(array)
        self.arrays[address], self.used[address] = array, size
        return address

    def do(self, stream: int, work: Callable[[], None]) -> None:
        if stream in self.recording:
            self.recording[stream].append(work)
        else:
            work()


def numbers(**names: int) -> type:
    """Return something like an enumeration, whose members can be compared and counted."""
    import enum

    return enum.IntEnum("Numbers", names)


def cuda_runtime(gpu: Gpu) -> types.ModuleType:
    """Return what `cuda.bindings.runtime` is here: functions that return (error, value...)."""
    module = types.ModuleType("cuda.bindings.runtime")
    error = numbers(cudaSuccess=0, cudaErrorMemoryAllocation=2, cudaErrorNoDevice=100, cudaErrorLaunchFailure=719)
    ok, short, lost = error.cudaSuccess, error.cudaErrorMemoryAllocation, error.cudaErrorLaunchFailure

    def allocated(size: int) -> tuple:
        address = gpu.allocate(size)
        return (short, None) if address is None else (ok, address)

    def freed(address: int) -> tuple:
        gpu.used.pop(address)
        gpu.arrays.pop(address)
        return (ok,)

    def copied(dst: int, src: int, count: int, kind: object, stream: int) -> tuple:
        gpu.do(stream, lambda: ctypes.memmove(dst, src, count))
        return (ok,)

    def stream_made(flags: int) -> tuple:
        gpu.streams += 1
        return ok, gpu.streams

    def capture_began(stream: int, mode: object) -> tuple:
        gpu.recording[stream] = []
        return (ok,)

    def launched(graph: list, stream: int) -> tuple:
        for work in graph:
            work()
        return (ok,)

    module.cudaError_t = error
    module.cudaMemcpyKind = numbers(cudaMemcpyHostToDevice=1, cudaMemcpyDeviceToHost=2)
    module.cudaStreamCaptureMode = numbers(cudaStreamCaptureModeThreadLocal=1)
    module.cudaDeviceAttr = numbers(cudaDevAttrComputeCapabilityMajor=75, cudaDevAttrComputeCapabilityMinor=76)
    module.cudaGetDeviceCount = lambda: (ok, gpu.count) if gpu.count else (error.cudaErrorNoDevice, None)
    module.cudaGetErrorString = lambda error: (ok, error.name.encode())
    module.cudaGetDeviceProperties = lambda device: (ok, SimpleNamespace(name=gpu.name))
    module.cudaDeviceGetAttribute = lambda attr, device: (ok, gpu.major if attr == 75 else gpu.minor)
    module.cudaMemGetInfo = lambda: (ok, gpu.memory - sum(gpu.used.values()), gpu.memory)
    module.cudaMallocHost = allocated
    module.cudaMalloc = allocated
    module.cudaFree = module.cudaFreeHost = freed
    module.cudaMemcpyAsync = copied
    module.cudaStreamCreateWithFlags = stream_made
    module.cudaStreamDestroy = lambda stream: (ok,)
    module.cudaStreamBeginCapture = capture_began
    module.cudaStreamEndCapture = lambda stream: (ok, gpu.recording.pop(stream))
    module.cudaGraphInstantiate = lambda graph, flags: (ok, list(graph))
    module.cudaGraphDestroy = lambda graph: (ok,)
    module.cudaGraphExecDestroy = lambda graph: (ok,)
    module.cudaGraphLaunch = launched
    module.cudaStreamSynchronize = lambda stream: (lost if failing(gpu) else ok,)
    return module


def failing(gpu: Gpu) -> bool:
    return gpu.fail_at is not None and gpu.runs >= gpu.fail_at


def tensorrt(gpu: Gpu) -> types.ModuleType:
    """Return what `tensorrt` is here."""
    module = types.ModuleType("tensorrt")
    module.__version__ = VERSION
    module.__spec__ = importlib.machinery.ModuleSpec("tensorrt", None, origin="stand-in")
    module.DataType = numbers(FLOAT=0, HALF=1, UINT8=7)
    module.LayerType = numbers(CONVOLUTION=0, OTHER=1)
    module.MemoryPoolType = numbers(WORKSPACE=0)
    module.NetworkDefinitionCreationFlag = numbers(STRONGLY_TYPED=1)
    of_onnx = {1: module.DataType.FLOAT, 10: module.DataType.HALF, 2: module.DataType.UINT8}

    class ILogger:
        Severity = numbers(INTERNAL_ERROR=0, ERROR=1, WARNING=2, INFO=3, VERBOSE=4)

        def log(self, severity: int, msg: str) -> None: ...

    class ITimingCache:
        def __init__(self, content: bytes) -> None:
            self._content = content

        def serialize(self) -> bytes:
            return self._content

    class IBuilderConfig:
        def set_memory_pool_limit(self, pool: int, pool_size: int) -> None: ...

        def create_timing_cache(self, serialized_timing_cache: bytes) -> ITimingCache:
            return ITimingCache(serialized_timing_cache)

        def set_timing_cache(self, cache: ITimingCache, ignore_mismatch: bool) -> bool:
            self._cache = cache
            return True

        def get_timing_cache(self) -> ITimingCache:
            return ITimingCache(self._cache.serialize() + b"timed;")

    class INetworkDefinition:
        model: onnx.ModelProto

        @property
        def num_layers(self) -> int:
            return len(self.model.graph.node)

        def get_layer(self, index: int) -> object:
            node = self.model.graph.node[index]
            weights = {constant.name: constant.data_type for constant in self.model.graph.initializer}
            if node.op_type != "Conv":
                return SimpleNamespace(type=module.LayerType.OTHER)
            output = SimpleNamespace(dtype=of_onnx[weights[node.input[1]]])
            return SimpleNamespace(type=module.LayerType.CONVOLUTION, get_output=lambda index: output)

    class Builder:
        def __init__(self, logger: ILogger) -> None:
            self._logger = logger

        def create_builder_config(self) -> IBuilderConfig:
            return IBuilderConfig()

        def create_network(self, flags: int = 0) -> INetworkDefinition:
            assert flags == 2, "strongly typed"
            return INetworkDefinition()

        def build_serialized_network(self, network: INetworkDefinition, config: IBuilderConfig) -> bytes | None:
            if gpu.refused_build:
                self._logger.log(ILogger.Severity.ERROR, "Error Code 4:\nno kernel")
                return None
            return network.model.SerializeToString()

    class OnnxParser:
        def __init__(self, network: INetworkDefinition, logger: ILogger) -> None:
            self._network = network
            self.num_errors = 0

        def parse(self, model: bytes, path: str | None = None) -> bool:
            self._network.model = onnx.ModelProto.FromString(model)
            [topk] = [node for node in self._network.model.graph.node if node.op_type == "TopK"]
            [count] = [one for one in self._network.model.graph.initializer if one.name == topk.input[1]]
            self.num_errors = int(onnx.numpy_helper.to_array(count)[0] > 3840)
            return self.num_errors == 0

        def get_error(self, index: int) -> object:
            return SimpleNamespace(desc=lambda: "K exceeds the maximum value allowed (3840)")

    class IExecutionContext:
        def __init__(self, engine: "ICudaEngine") -> None:
            self._engine, self._at = engine, {}

        def set_tensor_address(self, name: str, memory: int) -> bool:
            self._at[name] = memory
            return True

        def execute_async_v3(self, stream_handle: int) -> bool:
            gpu.do(stream_handle, self._run)
            return True

        def _run(self) -> None:
            gpu.runs += 1
            if failing(gpu):
                return
            tiles = self._array("tiles", np.uint8).copy()
            for name, values in zip(("boxes", "scores"), self._engine.compute(tiles), strict=True):
                self._array(name, np.float32)[:] = values

        def _array(self, name: str, dtype: type) -> np.ndarray:
            shape = self._engine.get_tensor_shape(name)
            size = int(np.prod(shape)) * np.dtype(dtype).itemsize
            raw = (ctypes.c_uint8 * size).from_address(self._at[name])
            return np.ctypeslib.as_array(raw).view(dtype).reshape(shape)

    class ICudaEngine:
        def __init__(self, content: bytes) -> None:
            model = onnx.ModelProto.FromString(content)
            self._values = {value.name: value.type.tensor_type for value in (*model.graph.input, *model.graph.output)}
            session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
            self.compute = lambda tiles: session.run(["boxes", "scores"], {"tiles": tiles})

        @property
        def num_io_tensors(self) -> int:
            return len(self._values)

        def get_tensor_name(self, index: int) -> str:
            return list(self._values)[index]

        def get_tensor_shape(self, name: str) -> tuple[int, ...]:
            return tuple(dimension.dim_value for dimension in self._values[name].shape.dim)

        def get_tensor_dtype(self, name: str) -> int:
            return of_onnx[self._values[name].elem_type]

        def create_execution_context(self) -> IExecutionContext:
            return IExecutionContext(self)

    class Runtime:
        def __init__(self, logger: ILogger) -> None:
            self._logger = logger

        def deserialize_cuda_engine(self, serialized_engine: bytes) -> ICudaEngine | None:
            if not serialized_engine.startswith(b"\x08"):
                self._logger.log(ILogger.Severity.ERROR, "magic tag does not match")
                return None
            return ICudaEngine(serialized_engine)

    for one in (
        ILogger,
        ITimingCache,
        IBuilderConfig,
        INetworkDefinition,
        Builder,
        OnnxParser,
        IExecutionContext,
        ICudaEngine,
        Runtime,
    ):
        setattr(module, one.__name__, one)
    return module


@pytest.fixture
def gpu(monkeypatch) -> Gpu:
    """A T4 that is not there, as the modules `tensorrt` and `cuda.bindings.runtime` show it."""
    device = Gpu()
    runtime = cuda_runtime(device)
    bindings = types.ModuleType("cuda.bindings")
    bindings.runtime = runtime
    for name in [name for name in sys.modules if name.startswith("algorithm.engines.tensorrt")]:
        monkeypatch.delitem(sys.modules, name)  # they are made anew with these, and dropped again
    monkeypatch.setitem(sys.modules, "tensorrt", tensorrt(device))
    monkeypatch.setitem(sys.modules, "cuda.bindings", bindings)
    monkeypatch.setitem(sys.modules, "cuda.bindings.runtime", runtime)
    yield device
    for name in [name for name in sys.modules if name.startswith("algorithm.engines.tensorrt")]:
        del sys.modules[name]


@pytest.fixture(scope="session")
def stand_in() -> dict[str, types.ModuleType]:
    """The modules themselves, to be compared with the real ones."""
    return {"tensorrt": tensorrt(Gpu()), "cuda": cuda_runtime(Gpu())}
