"""How large a part of a training step reading is: patches cut and augmented, beside the step that learns from them.

    python -m benchmarks.patches --data ../shared/data/mitos14 --data ../shared/data/mf_crops

Prints a Markdown table. Each setting in a process of its own, one thread for the patches as in a worker.
"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

import cv2
import torch

from training import processes
from training.importers import read_folders
from training.loop import AutocastOptimWrapper
from training.runner import make_loader, make_network
from training.settings import Settings, load_settings

CONFIGS = Path(__file__).resolve().parents[1] / "training/configs"
SETTINGS = {"0.5 um/px, 160 px": "cpu_half.py", "0.25 um/px, 256 px": "cpu_quarter.py"}
SETTLING = 2  # batches that fill caches and choose kernels


def settings_of(config: str, folders: list[Path]) -> Settings:
    """Return a config of the project over other data, with patches cut in this process."""
    changes = {"data": [str(folder) for folder in folders], "held_back": [], "workers": 0}
    return load_settings(CONFIGS / config, changes)


def seconds(settings: Settings, batches: int) -> tuple[float, float, float]:
    """Return the medians of the seconds to cut a batch and to learn from it, and those of the first batch's cutting."""
    loader = iter(make_loader(settings, read_folders(settings.data)))
    network = make_network(settings).to(processes.device())
    optimizer = torch.optim.AdamW(network.parameters(), lr=settings.warmup.start, fused=True)
    wrapper = AutocastOptimWrapper(device=processes.device(), optimizer=optimizer)
    cutting, learning = [], []
    for _ in range(batches + SETTLING):
        began = time.monotonic()
        batch = next(loader)
        cut = time.monotonic()
        network.train_step(batch, wrapper)["loss"].item()
        cutting.append(cut - began)
        learning.append(time.monotonic() - cut)
    return statistics.median(cutting[SETTLING:]), statistics.median(learning[SETTLING:]), cutting[0]


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", action="append", type=Path, required=True)
    parser.add_argument("--batches", type=int, default=20)
    parser.add_argument("--only", choices=list(SETTINGS), help=argparse.SUPPRESS)  # in this process
    options = parser.parse_args()
    if options.only:
        cv2.setNumThreads(1)
        print(row(options.only, settings_of(SETTINGS[options.only], options.data), options.batches))
        return
    print("| patches | cutting a batch, ms | learning from it, ms | part | cutting the first batch, ms |", flush=True)
    print("| --- | ---: | ---: | ---: | ---: |", flush=True)
    for name in SETTINGS:
        again = [sys.executable, "-m", "benchmarks.patches", "--only", name, "--batches", str(options.batches)]
        subprocess.run([*again, *(piece for path in options.data for piece in ("--data", str(path)))], check=True)


def row(name: str, settings: Settings, batches: int) -> str:
    """Return a line of the table."""
    cut, learn, first = seconds(settings, batches)
    numbers = f"{cut * 1e3:.0f} | {learn * 1e3:.0f} | {cut / learn:.1%} | {first * 1e3:.0f}"
    return f"| {name}, {settings.batch} a batch | {numbers} |"


if __name__ == "__main__":
    main()
