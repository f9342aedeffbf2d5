"""ONNX Runtime: on a GPU through CUDA where that is installed, else on any CPU."""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np

import algorithm.engines.silence  # noqa: F401  # before onnxruntime

import onnxruntime as ort  # isort: skip

from algorithm.engines.base import Engine, Raw
from algorithm.errors import EngineError, one_line
from algorithm.images import Pixels

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
OUTPUTS = ("boxes", "scores")
ERRORS_ONLY = 3  # of ONNX Runtime's severities; a fallback is said in our own line


def has_cuda() -> bool:
    """Return whether this build of ONNX Runtime can use a GPU; whether there is one shows when a session opens."""
    return CUDA in ort.get_available_providers()


class OnnxruntimeEngine(Engine):
    """One member in a session; a thread of its own runs the tiles in order while the caller reads the next.

    The graph is computed as it was exported: f32, from weights that may be stored in half precision.
    """

    name = "onnxruntime"

    def __init__(self, path: Path, *, precision: str | None, threads: int, cuda: bool) -> None:
        if precision not in (None, "f32"):
            raise EngineError(f"precision {precision!r}: ONNX Runtime computes this network in f32")
        self.precision = "f32"
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = ERRORS_ONLY
        # threads that spin while nothing is to do take the cores from whoever reads the next tile
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = ort.InferenceSession(str(path), options, providers=[CUDA] if cuda else [CPU])
        except Exception as error:  # its errors share no base class
            raise EngineError(f"{path}: ONNX Runtime cannot open it ({one_line(error)})") from error
        if cuda and CUDA not in self._session.get_providers():  # it falls back without a word
            raise EngineError(f"{path}: ONNX Runtime finds no usable GPU, or not the CUDA libraries that it needs")
        missing = set(OUTPUTS) - {output.name for output in self._session.get_outputs()}
        if missing:
            raise EngineError(f"{path}: the network has no output {', '.join(sorted(missing))}; no member of a bundle")
        [tiles] = self._session.get_inputs()
        self._input, self.tile_px = tiles.name, int(tiles.shape[1])
        self.device = "GPU 0" if cuda else f"CPU, {threads} thread(s)"
        self._worker = ThreadPoolExecutor(1, thread_name_prefix=self.name)
        self._busy: deque[Future[Raw]] = deque()

    def submit(self, tiles: Pixels) -> None:
        """Begin work on tiles (1, tile_px, tile_px, 3) uint8."""
        if len(self._busy) == self.depth:
            raise EngineError(f"{self.depth} tiles are under way; ask for a result first")
        self._busy.append(self._worker.submit(self._run, tiles))

    def result(self) -> Raw:
        """Return the oldest result."""
        return self._busy.popleft().result()

    def _run(self, tiles: Pixels) -> Raw:
        try:
            boxes, scores = self._session.run(list(OUTPUTS), {self._input: tiles})
        except Exception as error:  # see above
            raise EngineError(f"ONNX Runtime failed in the middle of a tile ({one_line(error)})") from error
        return Raw(np.asarray(boxes), np.asarray(scores))
