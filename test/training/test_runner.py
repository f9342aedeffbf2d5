"""mmengine's runner, as a run gets it."""

import time

from training.importers import read_folders
from training.runner import make_loader, make_network, make_runner
from training.settings import load_settings


def test_two_runs_of_one_second_are_told_apart(tmp_path, configs, drawn, write_data, monkeypatch):
    data = write_data(tmp_path / "drawn", [drawn("H03_00Aa", (240, 200), [(60, 60)], [(180, 90)])])
    settings = load_settings(
        configs / "cpu_half.py", {"data": [str(data)], "workers": 0, "batch": 2, "patch_px": (64, 64), "held_back": []}
    )
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)

    def runner(folder):
        loader = make_loader(settings, read_folders(settings.data))
        return make_runner(settings, make_network(settings), loader, [], tmp_path / folder / "fold-0")

    first, second = runner("one"), runner("other")
    assert first.timestamp == second.timestamp
    assert first.experiment_name != second.experiment_name
