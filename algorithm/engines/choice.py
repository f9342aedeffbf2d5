"""Which engine runs here, said in one log line."""

import importlib.util
import logging
from dataclasses import dataclass
from pathlib import Path

from algorithm.bundle import BUNDLE_FILE, LoadedBundle
from algorithm.engines.base import Engine
from algorithm.engines.cpus import usable_cpus
from algorithm.errors import BundleError, EngineError

log = logging.getLogger(__name__)

CUDA, OPENVINO, CPU = "onnxruntime-cuda", "openvino", "onnxruntime"
ENGINES = (CUDA, OPENVINO, CPU)  # in the order in which they are tried
BECAUSE = {
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
    looked_at = [_candidate(name) for name in ENGINES]
    return [*looked_at, Candidate("tensorrt", False, "this version has no adapter for it")]


def _candidate(name: str) -> Candidate:
    """Return what is known of one engine without opening it."""
    return {CUDA: _cuda, OPENVINO: _openvino, CPU: _cpu}[name]()


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
) -> Engine:
    """Return an engine for one member of a bundle.

    engine: one of ENGINES, which then has to run; default the first that can. precision: f32 or bf16; default the
    fastest that the device has. threads: default what the container allows.
    Raises EngineError when no engine can run here, or not as asked; BundleError when the network's tile is another.
    """
    path = bundle.member_path(member)
    opened, why = _opened(path, engine, precision, threads or usable_cpus())
    if opened.tile_px != bundle.facts.tile_px:
        said = f"takes tiles of {opened.tile_px} px, {BUNDLE_FILE} says {bundle.facts.tile_px}"
        raise BundleError(f"{path}: {said}; the bundle was not exported as a whole")
    log.info("engine: %s for %s on %s, %s (%s)", opened.name, path.name, opened.device, opened.precision, why)
    return opened


def _opened(path: Path, engine: str | None, precision: str | None, threads: int) -> tuple[Engine, str]:
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
            opened = _open(candidate.name, path, precision, threads)
        except EngineError as error:
            # whether there is a GPU is found out by trying; of a CPU the next engine would say the same
            if engine or candidate.name != CUDA:
                raise
            passed_over.append(f"{candidate.name}: {error}")
            continue
        return opened, "as asked" if engine or precision else "; ".join(
            [BECAUSE[candidate.name], *_failed(passed_over)]
        )
    raise EngineError(f"no engine can run here: {'; '.join(passed_over)}")


def _failed(passed_over: list[str]) -> list[str]:
    """Return what could have run and did not: a GPU that lies idle is worth a word, a package that is absent is not."""
    return [reason for reason in passed_over if reason.startswith(CUDA) and "pip install" not in reason]


def _open(name: str, path: Path, precision: str | None, threads: int) -> Engine:
    if name == OPENVINO:
        from algorithm.engines.openvino import OpenvinoEngine

        return OpenvinoEngine(path, precision=precision, threads=threads)
    from algorithm.engines.onnxruntime import OnnxruntimeEngine

    return OnnxruntimeEngine(path, precision=precision, threads=threads, cuda=name == CUDA)
