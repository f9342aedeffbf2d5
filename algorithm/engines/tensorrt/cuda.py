"""The little of CUDA that an engine needs, through NVIDIA's cuda-bindings; every error is an EngineError."""

import ctypes
from typing import Any

import numpy as np
from cuda.bindings import runtime as cudart
from numpy.typing import NDArray

from algorithm.errors import EngineError

DEVICE = 0
HOST_TO_DEVICE = cudart.cudaMemcpyKind.cudaMemcpyHostToDevice
DEVICE_TO_HOST = cudart.cudaMemcpyKind.cudaMemcpyDeviceToHost
NO_WAITING_FOR_OTHERS = 1  # cudaStreamNonBlocking


def call(name: str, *arguments: Any) -> Any:
    """Call a function of the runtime by its name and return its value, or a tuple of several. Raises EngineError."""
    error, *values = getattr(cudart, name)(*arguments)
    if error != cudart.cudaError_t.cudaSuccess:
        _, text = cudart.cudaGetErrorString(error)
        said = text.decode() if isinstance(text, bytes) else text
        raise EngineError(f"GPU {DEVICE}: {name} failed ({said})")
    return values[0] if len(values) == 1 else tuple(values) or None


def device_name() -> str:
    """Return what the GPU calls itself. Raises EngineError where there is none, or its driver is too old."""
    if call("cudaGetDeviceCount") == 0:
        raise EngineError("no GPU")
    return str(call("cudaGetDeviceProperties", DEVICE).name.decode())


def architecture() -> str:
    """Return its compute capability, as in 75 for a T4."""
    attribute = cudart.cudaDeviceAttr
    major = call("cudaDeviceGetAttribute", attribute.cudaDevAttrComputeCapabilityMajor, DEVICE)
    minor = call("cudaDeviceGetAttribute", attribute.cudaDevAttrComputeCapabilityMinor, DEVICE)
    return f"{major}{minor}"


def memory() -> tuple[int, int]:
    """Return (free, total) bytes of the GPU's memory, all processes together."""
    free, total = call("cudaMemGetInfo")
    return int(free), int(total)


class Buffer:
    """The same array twice: pinned in the host's memory, where copies run beside the computation, and on the GPU."""

    def __init__(self, shape: tuple[int, ...], dtype: type[np.generic]) -> None:
        self.nbytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
        self._pinned = call("cudaMallocHost", self.nbytes)
        try:
            self.address = int(call("cudaMalloc", self.nbytes))
        except EngineError:
            cudart.cudaFreeHost(self._pinned)
            raise
        raw = (ctypes.c_uint8 * self.nbytes).from_address(int(self._pinned))
        self.host: NDArray[Any] = np.ctypeslib.as_array(raw).view(dtype).reshape(shape)

    def to_device(self, stream: Any) -> None:
        """Queue the copy to the GPU."""
        call("cudaMemcpyAsync", self.address, int(self._pinned), self.nbytes, HOST_TO_DEVICE, stream)

    def to_host(self, stream: Any) -> None:
        """Queue the copy back."""
        call("cudaMemcpyAsync", int(self._pinned), self.address, self.nbytes, DEVICE_TO_HOST, stream)

    def free(self) -> None:
        """Give both back; what fails then has failed before."""
        cudart.cudaFree(self.address)
        cudart.cudaFreeHost(self._pinned)


class Stream:
    """A queue of work on the GPU. Work that is always the same is recorded once and launched as one graph."""

    def __init__(self) -> None:
        self.handle = call("cudaStreamCreateWithFlags", NO_WAITING_FOR_OTHERS)
        self._graph: Any = None

    def begin_recording(self) -> None:
        """What is queued from here on is recorded and not done."""
        call("cudaStreamBeginCapture", self.handle, cudart.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal)

    def end_recording(self) -> None:
        """Make a graph of what was queued."""
        graph = call("cudaStreamEndCapture", self.handle)
        self._graph = call("cudaGraphInstantiate", graph, 0)
        call("cudaGraphDestroy", graph)

    def launch(self) -> None:
        """Queue what was recorded."""
        call("cudaGraphLaunch", self._graph, self.handle)

    def wait(self) -> None:
        """Return when all that was queued is done."""
        call("cudaStreamSynchronize", self.handle)

    def free(self) -> None:
        """Give it back."""
        if self._graph is not None:
            cudart.cudaGraphExecDestroy(self._graph)
        cudart.cudaStreamDestroy(self.handle)
