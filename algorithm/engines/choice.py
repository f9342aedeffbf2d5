"""Which engine runs here, said in one log line. OpenVINO on the CPU is the only one of this version."""

import importlib.util
import logging
from dataclasses import dataclass

from algorithm.bundle import BUNDLE_FILE, LoadedBundle
from algorithm.engines.base import Engine
from algorithm.engines.cpus import usable_cpus
from algorithm.errors import BundleError, EngineError

log = logging.getLogger(__name__)


WITHOUT_ADAPTER = ("onnxruntime", "tensorrt")  # people ask why their GPU is idle; `info` answers


@dataclass(frozen=True)
class Candidate:
    """An engine and whether it could run here; what is its device, or the reason why it cannot."""

    name: str
    usable: bool
    what: str


def candidates() -> list[Candidate]:
    """Return the engines one could ask for; those that this version can open come first."""
    return [_openvino(), *(Candidate(name, False, "this version has no adapter for it") for name in WITHOUT_ADAPTER)]


def _openvino() -> Candidate:
    if importlib.util.find_spec("openvino") is None:
        return Candidate("openvino", False, "the package openvino is not installed; pip install -r requirements.txt")
    from algorithm.engines.openvino import cpu_name, default_precision

    return Candidate("openvino", True, f"{cpu_name()}, {default_precision()}")


def open_engine(
    bundle: LoadedBundle, member: int, *, precision: str | None = None, threads: int | None = None
) -> Engine:
    """Return an engine for one member of a bundle.

    precision: f32 or bf16; default the fastest that the device has. threads: default what the container allows.
    Raises EngineError when no engine can run here, or not as asked; BundleError when the network's tile is another.
    """
    first = _openvino()
    if not first.usable:
        raise EngineError(f"no engine can run here: {first.name}: {first.what}")
    from algorithm.engines.openvino import OpenvinoEngine

    engine = OpenvinoEngine(bundle.member_path(member), precision=precision, threads=threads or usable_cpus())
    if engine.tile_px != bundle.facts.tile_px:
        said = f"takes tiles of {engine.tile_px} px, {BUNDLE_FILE} says {bundle.facts.tile_px}"
        raise BundleError(f"{bundle.member_path(member)}: {said}; the bundle was not exported as a whole")
    why = "as asked" if precision else "the fastest precision of this CPU"
    log.info(
        "engine: %s for %s on %s, %s (%s)",
        engine.name,
        bundle.member_path(member).name,
        engine.device,
        engine.precision,
        why,
    )
    return engine
