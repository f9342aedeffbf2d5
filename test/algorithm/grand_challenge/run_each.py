"""Runs the platform's path over each file of a folder, in one process: python run_each.py FILES BUNDLE SCRATCH.

For each file a line `begins NAME` and then a JSON object: outcome, seconds, megabytes (the peak of the process so far).
A file that takes too long ends the process by SIGALRM, a crash of a library by its own signal: the last `begins` says
which file it was.
"""

import json
import logging
import resource
import shutil
import signal
import sys
import time
from pathlib import Path

from algorithm.budget import Budget
from algorithm.bundle import load_bundle
from algorithm.detector import Detector, Options
from algorithm.errors import ImageError
from algorithm.grand_challenge.execution import work_on

HANG_S = 10
BUDGET_S = 4.0  # what of a huge image is not done then is given up
RESULT = "mitotic-figures.json"


def run(detector: Detector, file: Path, scratch: Path) -> str:
    """Return how it ended: a result, or the project's own error. Anything else is raised."""
    shutil.rmtree(scratch, ignore_errors=True)
    (scratch / "input").mkdir(parents=True)
    (scratch / "output").mkdir()
    suffix = file.suffix if file.suffix == ".mha" else ".tif"  # the platform's names; content counts
    shutil.copy(file, scratch / "input" / f"case{suffix}")
    try:
        work_on(detector, scratch / "input", scratch / "output", Budget(BUDGET_S))
    except ImageError as error:
        left = [path.name for path in (scratch / "output").iterdir()]
        if left or "\n" in str(error) or "case" not in str(error):
            raise AssertionError(f"{error!r} left {left}") from error
        return f"ImageError: {error}"
    points = json.loads((scratch / "output" / RESULT).read_text(), parse_constant=lambda text: 1 / 0)["points"]
    return f"result with {len(points)} points"


def peak_mb() -> float:
    """Return the most memory that this process had; getrusage would begin with that of whoever started it."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")) / 1024


def main() -> None:
    files, bundle, scratch = map(Path, sys.argv[1:])
    logging.basicConfig(level=logging.ERROR)
    detector = Detector(load_bundle(bundle), Options(precision="f32", threads=1))
    for file in sorted(files.iterdir()):
        print(f"begins {file.name}", flush=True)
        signal.alarm(HANG_S)
        start = time.perf_counter()
        try:
            outcome = run(detector, file, scratch)
        except Exception as error:  # what a user would see as a traceback
            outcome = f"BUG {type(error).__name__}: {error}"[:300]
        signal.alarm(0)
        peak = peak_mb()
        seconds = round(time.perf_counter() - start, 2)
        print(json.dumps({"file": file.name, "outcome": outcome, "seconds": seconds, "mb": round(peak)}), flush=True)


if __name__ == "__main__":
    main()
