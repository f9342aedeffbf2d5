"""Patches from worker processes, as a run gets them."""

import subprocess
import sys

SCRIPT = """
import sys
from pathlib import Path
import cv2, numpy as np
from training.importers import read_folders
from training.runner import make_loader
from training.settings import load_settings

if __name__ == "__main__":
    cv2.setNumThreads(4)
    cv2.GaussianBlur(np.zeros((4000, 4000, 3), np.uint8), (31, 31), 5)  # OpenCV starts its threads
    changes = {"data": [sys.argv[2]], "workers": 1, "batch": 2, "patch_px": (64, 64)}
    settings = load_settings(Path(sys.argv[1]), changes)
    batch = next(iter(make_loader(settings, read_folders(settings.data))))
    print([tuple(one.shape) for one in batch["inputs"]])
"""


def test_workers_start_after_the_parent_has_used_opencv(tmp_path, configs, drawn, write_data):
    data = write_data(tmp_path / "drawn", [drawn("H03_00Aa", (240, 200), [(60, 60)], [(180, 90)])])
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), str(configs / "cpu_half.py"), str(data)]
    run = subprocess.run(command, cwd=configs.parents[1], env={"PYTHONPATH": "."}, timeout=300, capture_output=True)
    assert run.returncode == 0, run.stderr.decode()
    assert run.stdout.decode().strip() == "[(3, 64, 64), (3, 64, 64)]"
