"""OpenVINO on the CPU: bf16 where the CPU computes it natively, f32 elsewhere or on request."""

from collections import deque
from pathlib import Path
from typing import Any

import numpy as np

import algorithm.engines.silence  # noqa: F401  # before openvino

import openvino as ov  # isort: skip

from algorithm.engines.base import Engine, Raw
from algorithm.errors import EngineError, one_line
from algorithm.images import Pixels

PRECISIONS = ("f32", "bf16")
_core = ov.Core()


def native_bf16() -> bool:
    """Return whether this CPU has bf16 arithmetic."""
    return "BF16" in _core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def default_precision() -> str:
    """Return what an engine computes in unless it is told."""
    return "bf16" if native_bf16() else "f32"


def cpu_name() -> str:
    """Return what the CPU calls itself."""
    return str(_core.get_property("CPU", "FULL_DEVICE_NAME")).strip()


class OpenvinoEngine(Engine):
    """One member, compiled for the CPU; two requests in turn keep the one stream busy."""

    name = "openvino"

    def __init__(self, path: Path, *, precision: str | None, threads: int) -> None:
        self.precision = precision or default_precision()
        if self.precision not in PRECISIONS:
            raise EngineError(f"precision {self.precision!r}: OpenVINO on a CPU computes in {' or '.join(PRECISIONS)}")
        if self.precision == "bf16" and not native_bf16():
            raise EngineError("precision bf16: this CPU has no bf16 arithmetic; use f32")
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": "1",
            "INFERENCE_NUM_THREADS": str(threads),
            "INFERENCE_PRECISION_HINT": self.precision,
        }
        try:
            compiled = _core.compile_model(_core.read_model(path), "CPU", settings)
            self._boxes, self._scores = compiled.output("boxes"), compiled.output("scores")
            self.tile_px = int(compiled.input(0).shape[1])
        except RuntimeError as error:
            raise EngineError(f"{path}: OpenVINO cannot compile it ({one_line(error)})") from error
        self.device = f"{cpu_name()}, {threads} thread(s)"
        self._idle = deque(compiled.create_infer_request() for _ in range(self.depth))
        self._busy: deque[tuple[Any, Pixels]] = deque()

    def submit(self, tiles: Pixels) -> None:
        """Begin work on one tile (1, tile_px, tile_px, 3) uint8."""
        if not self._idle:
            raise EngineError(f"{self.depth} tiles are under way; ask for a result first")
        request = self._idle[0]
        try:
            request.start_async({0: tiles}, share_inputs=True)
        except RuntimeError as error:
            raise EngineError(f"OpenVINO takes no tile ({one_line(error)})") from error
        self._busy.append((self._idle.popleft(), tiles))  # the tile is held: OpenVINO reads it in place

    def result(self) -> Raw:
        """Return the oldest result."""
        request, _ = self._busy.popleft()
        try:
            request.wait()
            raw = Raw(np.array(request.get_tensor(self._boxes).data), np.array(request.get_tensor(self._scores).data))
        except RuntimeError as error:
            raise EngineError(f"OpenVINO failed in the middle of a tile ({one_line(error)})") from error
        finally:
            self._idle.append(request)
        return raw
