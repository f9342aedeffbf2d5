"""Which engine runs here, said in one log line."""

import importlib.util
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from algorithm.bundle import BUNDLE_FILE, LoadedBundle
from algorithm.engines.base import Engine
from algorithm.engines.cpus import usable_cpus
from algorithm.engines.fallback import FallbackEngine
from algorithm.errors import BundleError, EngineError, one_line

log = logging.getLogger(__name__)

TENSORRT, CUDA, OPENVINO, CPU = "tensorrt", "onnxruntime-cuda", "openvino", "onnxruntime"
ENGINES = (TENSORRT, CUDA, OPENVINO, CPU)  # in the order in which they are tried
ON_GPU = (TENSORRT, CUDA)  # whether there is a GPU is found out by trying
BECAUSE = {
    TENSORRT: "a plan fits this GPU",
    CUDA: "a GPU is faster than any CPU",
    OPENVINO: "the fastest precision of this CPU",
    CPU: "openvino is not installed",
}


@dataclass(frozen=True)
class Candidate:
    """An engine and whether it could run here; what is its device, or the reason why it cannot."""

    name: str
    usable: bool
    what: str


def candidates() -> list[Candidate]:
    """Return the engines one could ask for, best first."""
    return [_candidate(name) for name in ENGINES]


def _candidate(name: str) -> Candidate:
    """Return what is known of one engine without opening it."""
    return {TENSORRT: _tensorrt, CUDA: _cuda, OPENVINO: _openvino, CPU: _cpu}[name]()


def _tensorrt() -> Candidate:
    spec = importlib.util.find_spec("tensorrt")
    if spec is None or spec.origin is None:  # without an origin it is a folder of type stubs
        return Candidate(
            TENSORRT, False, "the package tensorrt-cu12 is not installed; pip install -r requirements-gpu.txt"
        )
    try:
        from algorithm.engines.tensorrt.cuda import architecture, device_name
        from algorithm.engines.tensorrt.engine import version

        return Candidate(TENSORRT, True, f"{device_name()}, sm_{architecture()}, TensorRT {version()}, f16")
    except (ImportError, EngineError) as error:  # ImportError: NVIDIA's libraries are not where the loader looks
        return Candidate(TENSORRT, False, one_line(error))


def _openvino() -> Candidate:
    if importlib.util.find_spec("openvino") is None:
        return Candidate(OPENVINO, False, "the package openvino is not installed; pip install -r requirements.txt")
    from algorithm.engines.openvino import cpu_name, default_precision

    return Candidate(OPENVINO, True, f"{cpu_name()}, {default_precision()}")


def _cuda() -> Candidate:
    if importlib.util.find_spec("onnxruntime") is None:
        return Candidate(
            CUDA, False, "the package onnxruntime-gpu is not installed; pip install -r requirements-gpu.txt"
        )
    from algorithm.engines.onnxruntime import has_cuda

    if not has_cuda():
        return Candidate(CUDA, False, "this onnxruntime is one for CPUs; pip install -r requirements-gpu.txt")
    return Candidate(CUDA, True, "GPU 0, f32, if its driver and the CUDA libraries are there")


def _cpu() -> Candidate:
    if importlib.util.find_spec("onnxruntime") is None:
        return Candidate(CPU, False, "the package onnxruntime is not installed, and not needed beside openvino")
    return Candidate(CPU, True, "CPU, f32")


def open_engine(
    bundle: LoadedBundle,
    member: int,
    *,
    engine: str | None = None,
    precision: str | None = None,
    threads: int | None = None,
    build: bool = False,
) -> Engine:
    """Return an engine for one member of a bundle; one on a GPU that fails later is replaced by the next.

    engine: one of ENGINES, which then has to run; default the first that can. precision: f16 (TensorRT), f32 or
    bf16; default the fastest that the device has. threads: default what the container allows. build: whether a
    TensorRT plan may be built now where none fits, which takes minutes.
    Raises EngineError when no engine can run here, or not as asked; BundleError when the network's tile is another.
    """
    path = bundle.member_path(member)
    settings = Settings(path, precision, threads or usable_cpus(), build)
    opened, why = _opened(settings, engine)
    if opened.tile_px != bundle.facts.tile_px:
        said = f"takes tiles of {opened.tile_px} px, {BUNDLE_FILE} says {bundle.facts.tile_px}"
        raise BundleError(f"{path}: {said}; the bundle was not exported as a whole")
    log.info("engine: %s for %s on %s, %s (%s)", opened.name, path.name, opened.device, opened.precision, why)
    return opened


@dataclass(frozen=True)
class Settings:
    """What an engine is opened with; see `open_engine`."""

    path: Path
    precision: str | None
    threads: int
    build: bool


def _opened(settings: Settings, engine: str | None) -> tuple[Engine, str]:
    """Return the engine that was asked for, or the first that opens, and why it is that one."""
    if engine is not None and engine not in ENGINES:
        raise EngineError(f"engine {engine!r}: there are {', '.join(ENGINES)}")
    passed_over = []
    for name in [engine] if engine else ENGINES:
        candidate = _candidate(name)  # each only when its turn comes: to look is to import its library
        if not candidate.usable:
            passed_over.append(f"{candidate.name}: {candidate.what}")
            continue
        try:
            opened = _open(name, settings)
        except EngineError as error:
            # of a CPU the next engine would say the same
            if engine or name not in ON_GPU:
                raise
            passed_over.append(f"{candidate.name}: {error}")
            continue
        if name in ON_GPU:
            opened = FallbackEngine(opened, [] if engine else _after(name, settings))
        asked = engine or settings.precision
        return opened, "as asked" if asked else "; ".join([BECAUSE[name], *_failed(passed_over)])
    raise EngineError(f"no engine can run here: {'; '.join(passed_over)}")


def _after(name: str, settings: Settings) -> list[Callable[[], Engine]]:
    """Return what opens the engines that come after one, each when its turn comes."""

    def opener(later: str) -> Callable[[], Engine]:
        def opened() -> Engine:
            candidate = _candidate(later)
            if not candidate.usable:
                raise EngineError(f"{later}: {candidate.what}")
            return _open(later, replace(settings, precision=None))

        return opened

    return [opener(later) for later in ENGINES[ENGINES.index(name) + 1 :]]


def _failed(passed_over: list[str]) -> list[str]:
    """Return what could have run and did not: a GPU that lies idle is worth a word, a package that is absent is not."""
    return [reason for reason in passed_over if reason.startswith(ON_GPU) and "pip install" not in reason]


def _open(name: str, settings: Settings) -> Engine:
    path, precision, threads = settings.path, settings.precision, settings.threads
    if name == TENSORRT:
        return _open_tensorrt(settings)
    if name == OPENVINO:
        from algorithm.engines.openvino import OpenvinoEngine

        return OpenvinoEngine(path, precision=precision, threads=threads)
    from algorithm.engines.onnxruntime import OnnxruntimeEngine

    return OnnxruntimeEngine(path, precision=precision, threads=threads, cuda=name == CUDA)


def _open_tensorrt(settings: Settings) -> Engine:
    if settings.precision not in (None, "f16"):
        raise EngineError(f"precision {settings.precision!r}: TensorRT computes this network in f16")
    from algorithm.engines.tensorrt.engine import built_at_start, open_largest

    if settings.build:
        built_at_start(settings.path)
    return open_largest(settings.path)
