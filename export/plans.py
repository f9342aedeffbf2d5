"""A bundle's ONNX -> TensorRT plans for the GPU at hand, each compared with the ONNX before it is accepted."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from algorithm.bundle import load_bundle
from algorithm.engines import Raw, candidates
from algorithm.engines.cpus import usable_cpus
from algorithm.engines.openvino import OpenvinoEngine
from algorithm.errors import EngineError
from algorithm.images import Pixels
from export.agreement import FP16_LIMIT, accept, answers, difference, tiles_of

LIMIT = FP16_LIMIT  # of a score; F1 is what benchmarks/gpu_check.py compares, on annotated images


def build_plans(
    folder: Path, batches: Sequence[int], *, tile_images: Sequence[Path], say: Callable[[str], None]
) -> list[Path]:
    """Build a plan of each member for each number of tiles at a time; return their paths.

    Raises EngineError without TensorRT or a GPU, BundleError when a plan says something else than the ONNX; a plan
    that was not accepted is not left behind.
    """
    [tensorrt] = [candidate for candidate in candidates() if candidate.name == "tensorrt"]
    if not tensorrt.usable:
        raise EngineError(f"TensorRT cannot be used here: {tensorrt.what}")
    from algorithm.engines.tensorrt.build import build
    from algorithm.engines.tensorrt.engine import TensorrtEngine
    from algorithm.engines.tensorrt.plans import FOLDER

    bundle = load_bundle(folder)
    facts, built = bundle.facts, []
    for number, described in enumerate(facts.members):
        tiles = tiles_of(tile_images, tile_px=facts.tile_px, mpp=facts.mpp_of(described))
        tiles = tiles * (-(-2 * max(batches) // len(tiles)))  # two full batches at least
        member = bundle.member_path(number)
        expected = _said_by_onnx(member, tiles)
        for batch in sorted(set(batches)):
            begun = time.perf_counter()
            plan = build(member, folder / FOLDER, batch=batch)
            seconds = time.perf_counter() - begun
            try:
                engine = TensorrtEngine(member, most=batch)
                found = difference(engine, tiles, expected, score_floor=facts.score_floor)
                engine.close()
                accept(plan.name, found, LIMIT, reference="the ONNX")
            except Exception:
                plan.unlink()
                raise
            apart = f"scores {found.score:.1e}, boxes {found.box_px:.3f} px"
            say(f"{plan.name}: built in {seconds:.0f} s; against the ONNX on {len(tiles)} tiles: {apart}")
            built.append(plan)
    return built


def _said_by_onnx(member: Path, tiles: Sequence[Pixels]) -> list[Raw]:
    return list(answers(OpenvinoEngine(member, precision="f32", threads=usable_cpus()), tiles))
