"""mmengine's runner, as a run gets it."""

import time
from itertools import islice

import pytest

from training.importers import read_folders
from training.runner import make_loader, make_network, make_runner
from training.settings import load_settings


@pytest.mark.parametrize("begun", [0, 5])
def test_patches_grow_by_iteration_also_in_a_run_that_goes_on(tmp_path, configs, drawn, write_data, begun):
    data = write_data(tmp_path / "drawn", [drawn("H03_00Aa", (240, 200), [(60, 60)], [(180, 90)])])
    changes = {"data": [str(data)], "workers": 0, "batch": 2, "accumulate": 2, "held_back": []}
    changes["warmup"] = {"iterations": 1, "start": 1e-5}
    growth = {"smaller_first": [(0.2, (64, 64)), (0.6, (96, 64))], "patch_px": (128, 96), "iterations": 5}
    settings = load_settings(configs / "cpu_half.py", changes | growth)
    loader = make_loader(settings, read_folders(settings.data))
    loader.batch_sampler.sampler.skip(begun * settings.batch)
    batches = list(islice(loader, 9 - begun))
    sizes = [tuple(batch["inputs"].shape[:1:-1]) for batch in batches]
    assert sizes == ([(64, 64)] * 2 + [(96, 64)] * 4 + [(128, 96)] * 3)[begun:]
    for (width, height), batch in zip(sizes, batches, strict=True):
        assert {sample.img_shape for sample in batch["data_samples"]} == {(height, width)}


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
