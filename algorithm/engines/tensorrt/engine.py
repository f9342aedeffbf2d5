"""TensorRT: plans run as CUDA graphs, two batches in turn, so that copies go on beside the computation."""

import logging
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import tensorrt as trt

from algorithm.engines.base import Engine, Raw
from algorithm.engines.tensorrt import cuda, plans
from algorithm.engines.tensorrt.logger import Logger
from algorithm.errors import EngineError
from algorithm.images import Pixels

log = logging.getLogger(__name__)

INPUT, BOXES, SCORES = "tiles", "boxes", "scores"
T = TypeVar("T", cuda.Buffer, cuda.Stream)
SLOTS = 2  # batches under way: one is computed while the other is filled or fetched


def version() -> str:
    """Return TensorRT's."""
    return str(trt.__version__)


def built_at_start(member: Path) -> None:
    """Build a plan of a member into the cache where none fits. Raises EngineError when that cannot be done here."""
    if plans.fitting(member, arch=cuda.architecture(), version=version()) is not None:
        return
    try:
        from algorithm.engines.tensorrt.build import build
    except ImportError as error:
        raise EngineError(f"a plan cannot be built here ({error})") from error
    log.info("building a TensorRT plan of %s for sm_%s, which takes minutes", member.name, cuda.architecture())
    build(member, plans.folders(member)[-1], batch=max(plans.BATCHES))


def open_largest(member: Path) -> "TensorrtEngine":
    """Open the plan with the most tiles at a time that the GPU's memory holds. Raises EngineError as the engine."""
    arch, most = cuda.architecture(), None
    while True:
        try:
            return TensorrtEngine(member, most=most)
        except EngineError:
            tried = plans.fitting(member, arch=arch, version=version(), most=most)
            most = plans.batch_of(tried) - 1 if tried else 0
            if plans.fitting(member, arch=arch, version=version(), most=most) is None:
                raise


class TensorrtEngine(Engine):
    """One member's plan on the GPU. Tiles come one at a time and go to the GPU in batches.

    A batch is launched when it is full, or when a result of it is asked for.
    """

    name = "tensorrt"
    precision = "f16"
    queued = True

    def __init__(self, member: Path, *, most: int | None = None) -> None:
        """Load the plan of a member that fits GPU and TensorRT. most: tiles at a time; default the most of any plan.

        Raises EngineError when there is no GPU or no such plan, or the GPU's memory is too short.
        """
        self._member = member
        gpu, arch = cuda.device_name(), cuda.architecture()
        path = plans.fitting(member, arch=arch, version=version(), most=most)
        if path is None:
            raise EngineError(_no_plan(member, arch))
        self.device = f"{gpu}, sm_{arch}"
        self._logger = Logger()
        self._runtime = trt.Runtime(self._logger)
        engine = self._runtime.deserialize_cuda_engine(path.read_bytes())
        if engine is None:
            raise EngineError(f"{path}: TensorRT cannot load it ({self._logger.last_error}); build it again")
        _check_types(engine, path)
        self._engine = engine  # lives as long as what runs it
        self.batch, self.tile_px = (int(length) for length in tuple(engine.get_tensor_shape(INPUT))[:2])
        self.depth = SLOTS * self.batch
        self._slots: list[_Slot] = []
        try:
            for _ in range(SLOTS):
                self._slots.append(_Slot(engine, self._logger))
        except EngineError:
            self.close()
            raise
        self._idle = deque(self._slots)
        self._filling: _Batch | None = None
        self._busy: deque[tuple[_Batch, int]] = deque()

    def submit(self, tiles: Pixels) -> None:
        """Begin work on one tile (1, tile_px, tile_px, 3) uint8."""
        if len(self._busy) == self.depth:
            raise EngineError(f"{self.depth} tiles are under way; ask for a result first")
        if self._filling is None:
            self._filling = _Batch(self._idle.popleft())
        batch = self._filling
        batch.slot.tiles.host[batch.count] = tiles[0]
        self._busy.append((batch, batch.count))
        batch.count += 1
        if batch.count == self.batch:
            self._launch(batch)

    def result(self) -> Raw:
        """Return the oldest result."""
        batch, row = self._busy.popleft()
        if batch is self._filling:
            self._launch(batch)
        if batch.said is None:
            batch.said = batch.slot.fetch()
            self._idle.append(batch.slot)
        return Raw(batch.said.boxes[row : row + 1], batch.said.scores[row : row + 1])

    def smaller(self) -> "TensorrtEngine | None":
        """Return the same member with fewer tiles at a time, or None when there is no such plan.

        This one gives its memory back and is of no use any more.
        """
        self.close()
        try:
            return TensorrtEngine(self._member, most=self.batch - 1) if self.batch > 1 else None
        except EngineError:
            return None

    def close(self) -> None:
        """Give the GPU's memory back."""
        for slot in self._slots:
            slot.free()
        self._slots = []

    def _launch(self, batch: "_Batch") -> None:
        self._filling = None
        batch.slot.stream.launch()


class _Slot:
    """Buffers, stream and context of one batch; its work is recorded once."""

    def __init__(self, engine: trt.ICudaEngine, logger: Logger) -> None:
        self._context = engine.create_execution_context()
        if self._context is None:
            raise EngineError(f"TensorRT cannot make a context ({logger.last_error})")
        with ExitStack() as undo:
            self.tiles, self.boxes, self.scores = (
                _freed_by(undo, cuda.Buffer(tuple(engine.get_tensor_shape(name)), dtype))
                for name, dtype in ((INPUT, np.uint8), (BOXES, np.float32), (SCORES, np.float32))
            )
            self.stream = _freed_by(undo, cuda.Stream())
            for name, buffer in ((INPUT, self.tiles), (BOXES, self.boxes), (SCORES, self.scores)):
                self._context.set_tensor_address(name, buffer.address)
            self.tiles.host[:] = 0
            self._queue(logger)  # before it is recorded: the first run sets up what must not be in a graph
            self.stream.wait()
            self.stream.begin_recording()
            self._queue(logger)
            self.stream.end_recording()
            self._undo = undo.pop_all()

    def _queue(self, logger: Logger) -> None:
        handle = self.stream.handle
        self.tiles.to_device(handle)
        if not self._context.execute_async_v3(int(handle)):
            raise EngineError(f"TensorRT cannot run it ({logger.last_error})")
        self.boxes.to_host(handle)
        self.scores.to_host(handle)

    def fetch(self) -> Raw:
        """Wait for the batch and return a copy of what was said of it."""
        self.stream.wait()
        return Raw(self.boxes.host.copy(), self.scores.host.copy())

    def free(self) -> None:
        """Give all of it back."""
        self._undo.close()


def _freed_by(undo: ExitStack, thing: T) -> T:
    undo.callback(thing.free)
    return thing


@dataclass
class _Batch:
    """Tiles that go to the GPU together. said: what came back."""

    slot: _Slot
    count: int = 0
    said: Raw | None = None


def _no_plan(member: Path, arch: str) -> str:
    others = ", ".join(plans.others(member))
    return (
        f"no plan of {member.name} for sm_{arch} and TensorRT {version()} {f'(there are {others}) ' if others else ''}"
        "- python -m export tensorrt builds one, or --build-engine at each start"
    )


def _check_types(engine: trt.ICudaEngine, path: Path) -> None:
    wanted = {INPUT: trt.DataType.UINT8, BOXES: trt.DataType.FLOAT, SCORES: trt.DataType.FLOAT}
    names = {engine.get_tensor_name(number) for number in range(engine.num_io_tensors)}
    if names != set(wanted) or any(engine.get_tensor_dtype(name) != dtype for name, dtype in wanted.items()):
        raise EngineError(f"{path}: a plan of something else (it has {', '.join(sorted(names))}); build it again")
