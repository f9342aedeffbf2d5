"""One region, one member, one view: how close the whole path comes to the engine alone.

    python -m benchmarks.region [--model DIR] [--width 7215 --height 5412 --mpp 0.25] [--runs 5]
        [--kinds strips tiles strip]

Prints, from one run: the machine's matmul rate, the engine's time for the region's tiles and its GFLOP/s, the
time from opening the image to Detections and its ratio to that, start, model loading, writers, peak memory.
"""

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from algorithm.bundle import default_folder, load_bundle
from algorithm.detector import Detector, Options
from algorithm.engines.cpus import usable_cpus
from algorithm.engines.openvino import default_precision
from algorithm.images import open_image
from algorithm.writers import write_all
from benchmarks.machine import matmul_gflops, network_gflop
from benchmarks.pictures import region, write_tiff


def main() -> None:
    """Measure each kind of TIFF in a process of its own."""
    arguments = _arguments()
    if arguments.file:
        return _measure(arguments)
    threads = usable_cpus()
    print(
        f"threads {threads}; matmul "
        + ", ".join(f"{p} {matmul_gflops(p, threads):.0f} GFLOP/s" for p in ("f32", "bf16"))
    )
    with tempfile.TemporaryDirectory() as scratch:
        pixels = region(arguments.width, arguments.height)
        for kind in arguments.kinds:
            file = Path(scratch) / f"{kind}.tif"
            write_tiff(file, pixels, mpp=arguments.mpp, kind=kind)
        del pixels
        for kind in arguments.kinds:
            # a fresh process: peak memory is this image's own
            command = [
                sys.executable,
                "-m",
                "benchmarks.region",
                *sys.argv[1:],
                "--file",
                str(Path(scratch) / f"{kind}.tif"),
            ]
            subprocess.run(command, check=True)


def _measure(arguments: argparse.Namespace) -> None:
    start = time.perf_counter()
    bundle = load_bundle(arguments.model)
    detector = Detector(bundle, Options(ensemble="full", members=1, views=1, precision=arguments.precision))
    loaded = time.perf_counter() - start
    whole, alone = [], []
    for _ in range(arguments.runs + 1):
        begun = time.perf_counter()
        with open_image(arguments.file) as image:
            detections, record = detector.detect(image)
            whole.append(time.perf_counter() - begun)
        if not alone:  # a maximum over the process's life: read before all tiles are held for the engine alone
            peak_gib = _peak_gib()
        alone.append(_engine_alone(detector, arguments.file))
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, open_image(arguments.file) as image:
        write_all(Path(folder) / "result", detections, image, record)
    writers = time.perf_counter() - begun
    whole, alone = whole[1:], alone[1:]  # the first of each warms up
    engine_s = statistics.median(alone)
    gflop = network_gflop(str(bundle.member_path(0))) * record.tiles
    ratio = statistics.median(one / other for one, other in zip(whole, alone, strict=True))
    width, height = detections.size
    print(
        f"\n{arguments.file.name}: {width} x {height} px at {detections.mpp.x:g} um/px, {detections.area_mm2:.2f} mm2"
    )
    print(f"  {record.tiles} tiles of {bundle.facts.tile_px} px at {bundle.facts.mpp} um/px, {record.precision}")
    print(f"  engine alone            {engine_s:6.2f} s   {gflop / engine_s:.0f} GFLOP/s")
    print(f"  opening to Detections   {statistics.median(whole):6.2f} s   {ratio:.2f} x the engine alone")
    print(f"  start, with imports     {_start_s():6.2f} s")
    print(f"  loading the model       {loaded:6.2f} s")
    print(f"  writers                 {writers:6.2f} s")
    print(f"  peak memory             {peak_gib:6.2f} GiB to Detections, {_peak_gib():.2f} GiB with the writers")


def _peak_gib() -> float:
    """Return the most memory this process held; getrusage would count what its parent held before it was started."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) / 1024**2


def _start_s() -> float:
    """Return the seconds until a fresh interpreter has imported what detecting needs."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import algorithm.detector, algorithm.engines.openvino"], check=True)
    return time.perf_counter() - begun


def _engine_alone(detector: Detector, file: Path) -> float:
    """Return the seconds the engine takes for the region's tiles when they lie ready in memory."""
    engine = detector.engines[0]
    with open_image(file) as image:
        tiles = list(detector.tiles(image))
    begun = time.perf_counter()
    for number, tile in enumerate(tiles):
        engine.submit(tile[None])
        if number:
            engine.result()
    engine.result()
    return time.perf_counter() - begun


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=default_folder())
    parser.add_argument("--width", type=int, default=7215)
    parser.add_argument("--height", type=int, default=5412)
    parser.add_argument("--mpp", type=float, default=0.25)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--kinds", nargs="+", choices=("strips", "tiles", "strip"), default=["strips", "tiles"])
    parser.add_argument("--precision", choices=("f32", "bf16"), default=default_precision())
    parser.add_argument("--file", type=Path, help="measure this file instead of drawn ones")
    return parser.parse_args()


if __name__ == "__main__":
    main()
