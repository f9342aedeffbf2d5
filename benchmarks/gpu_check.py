"""Proves the TensorRT engine on a machine with an NVIDIA GPU, and measures it. Made for a T4; any GPU will do.

    pip install -r requirements-gpu.txt
    python -m benchmarks.gpu_check [--model model] [--data FOLDER ...] [--slides NAME ...]

Builds the bundle's plans for this GPU (into the bundle's folder tensorrt/, where they may stay), and asserts:

1. precision: every convolution of the built network computes in half precision;
2. equality: scores within 1e-2 of the ONNX in fp32 on real tiles, in full batches;
3. equality on annotated images: F1 within 0.005 of OpenVINO's in fp32. Without --data (a data folder of
   `python -m training import`; needs training/requirements.txt) these are the figures of the drawn sample;
4. that a GPU whose memory runs short goes on with less of it, and gives the same figures.

Then speed, each engine in a process of its own: tiles a second, a region of 7215 x 5412 px, memory. Exit code 1 when
any assertion fails; the last line is JSON, for a table.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from algorithm.bundle import LoadedBundle, load_bundle
from algorithm.detector import Detector, Options
from algorithm.engines import candidates
from algorithm.frames import image_to_um
from algorithm.images import Image, open_image
from benchmarks.pictures import region, write_tiff
from export.cli import SAMPLE
from export.plans import build_plans

F1_LIMIT, MATCH_UM = 0.005, 7.5
REGION_PX, REGION_MPP = (7215, 5412), 0.25
TRUTH = Path("test/input/sample-figures.csv")
ENGINES = ("tensorrt", "onnxruntime-cuda", "openvino")
SECONDS = 10.0  # of tiles, for each engine


def main() -> None:
    """Check, then measure."""
    arguments = _arguments()
    if arguments.engine:
        print(json.dumps(measured(arguments.model, arguments.engine, arguments.region)))
        return
    gpu = next(candidate for candidate in candidates() if candidate.name == "tensorrt")
    print(f"{gpu.name}: {gpu.what}")
    if not gpu.usable:
        sys.exit(1)
    result: dict[str, Any] = {"gpu": gpu.what}
    build_plans(arguments.model, (4, 1), tile_images=sorted(SAMPLE.rglob("*.tif")), say=print)  # asserts 1 and 2
    bundle = load_bundle(arguments.model)
    result["f1"] = {engine: f1_of(bundle, engine, arguments) for engine in ("tensorrt", "openvino")}
    apart = abs(result["f1"]["tensorrt"] - result["f1"]["openvino"])
    print(f"F1 {result['f1']['tensorrt']:.4f} with TensorRT, {result['f1']['openvino']:.4f} with OpenVINO in fp32")
    result["gives_way"] = figures_with_little_memory(bundle)
    print(f"figures of the sample with two batches, and after their memory was gone: {result['gives_way']}")
    result["speed"] = speeds(arguments)
    passed = apart <= F1_LIMIT and len(set(result["gives_way"])) == 1
    print("PASSED" if passed else f"FAILED: F1 differs by {apart:.4f} (limit {F1_LIMIT}), or figures were lost")
    print(json.dumps(result))
    sys.exit(0 if passed else 1)


def f1_of(bundle: LoadedBundle, engine: str, arguments: argparse.Namespace) -> float:
    """Return the F1 of the bundle with one engine, in fp32 where it is OpenVINO."""
    options = Options(engine=engine, precision="f32" if engine == "openvino" else None)
    if arguments.data:
        from training.evaluation.command import evaluate_bundle

        report = evaluate_bundle(bundle.folder, arguments.data, arguments.slides, options, lambda done, total: None)
        return float(report["groups"][0]["f1"])  # of all images
    [path] = SAMPLE.rglob("*.tif")
    with open_image(path) as image:
        return _sample_f1(Detector(bundle, options), image)


def _sample_f1(detector: Detector, image: Image) -> float:
    found, _ = detector.detect(image)
    with TRUTH.open() as file:
        truth = np.array([(float(row["x"]), float(row["y"])) for row in csv.DictReader(file) if row["label"] == "MF"])
    free = list(image_to_um(found.figures.xy, found.mpp))
    hits = 0
    for place in image_to_um(truth, found.mpp):
        near = [number for number, one in enumerate(free) if np.hypot(*(one - place)) <= MATCH_UM]
        if near:
            free.pop(near[0])
            hits += 1
    return 2 * hits / (len(truth) + len(found.figures))


def figures_with_little_memory(bundle: LoadedBundle) -> list[int]:
    """Return the figures of the sample as usual, and when the first batch fails as it does for want of memory."""
    from algorithm.engines.tensorrt import engine as module
    from algorithm.errors import EngineError

    counts, real = [], module._Slot.fetch
    [path] = SAMPLE.rglob("*.tif")
    for fails in (False, True):
        detector = Detector(bundle, Options(engine="tensorrt"))
        left = [1 if fails else 0]

        def fetch(slot: Any, left: list[int] = left) -> Any:
            if left[0]:
                left[0] -= 1
                raise EngineError("out of memory, as this check pretends")
            return real(slot)

        module._Slot.fetch = fetch  # type: ignore[method-assign]
        with open_image(path) as image:
            counts.append(len(detector.detect(image)[0].figures))
        module._Slot.fetch = real  # type: ignore[method-assign]
        for one in detector.engines:
            one.close()
    return counts


def speeds(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what each engine that runs here takes, each in a process of its own."""
    usable = {candidate.name for candidate in candidates() if candidate.usable}
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "region.tif"
        write_tiff(path, region(*REGION_PX), mpp=REGION_MPP, kind="tiles")
        for engine in (name for name in ENGINES if name in usable):
            command = [sys.executable, "-m", "benchmarks.gpu_check", "--model", str(arguments.model)]
            ended = subprocess.run(
                [*command, "--engine", engine, "--region", str(path)], capture_output=True, text=True, check=False
            )
            if ended.returncode:
                print(f"{engine}: {ended.stderr.strip().splitlines()[-1]}")
                continue
            result[engine] = json.loads(ended.stdout.splitlines()[-1])
            print(f"{engine}: " + ", ".join(f"{name} {value}" for name, value in result[engine].items()))
    return result


def measured(model: Path, engine: str, path: Path) -> dict[str, float]:
    """Return tiles a second of one member alone, seconds of the region with the whole bundle, and memory."""
    bundle = load_bundle(model)
    begun = time.perf_counter()
    detector = Detector(bundle, Options(engine=engine))
    opened = time.perf_counter() - begun
    with open_image(path) as image:
        tiles = list(detector.tiles(image))
        detector.detect(image)
        begun = time.perf_counter()
        detector.detect(image)
        whole = time.perf_counter() - begun
    return {
        "start_s": round(opened, 2),
        "tiles_s": round(_rate(detector, tiles), 1),
        "region_s": round(whole, 2),
        "gpu_mb": _gpu_mb() if engine != "openvino" else 0,
    }


def _rate(detector: Detector, tiles: Sequence[np.ndarray]) -> float:
    engine, done, waiting = detector.engines[0], 0, 0
    begun = time.perf_counter()
    while time.perf_counter() - begun < SECONDS:
        for tile in tiles:
            if waiting == engine.depth:
                engine.result()
                waiting -= 1
                done += 1
            engine.submit(tile[None])
            waiting += 1
    for _ in range(waiting):
        engine.result()
    return (done + waiting) / (time.perf_counter() - begun)


def _gpu_mb() -> int:
    from algorithm.engines.tensorrt import cuda

    free, total = cuda.memory()
    return round((total - free) / 1e6)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=Path("model"))
    parser.add_argument("--data", type=Path, nargs="+", default=[])
    parser.add_argument("--slides", nargs="+", default=[])
    parser.add_argument("--engine", help=argparse.SUPPRESS)
    parser.add_argument("--region", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
