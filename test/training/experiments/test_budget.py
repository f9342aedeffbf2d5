"""Iterations in so many minutes, on a clock that goes as it is told."""

from itertools import count

import pytest

import training.experiments.budget
from training.experiments.budget import BESIDE, iterations_within
from training.importers import read_folders
from training.settings import Settings, SettingsError, load_settings


@pytest.fixture(scope="module")
def settings(tmp_path_factory, write_slides, write_config) -> Settings:
    folder = tmp_path_factory.mktemp("budget")
    return load_settings(write_config(folder / "tiny.py", write_slides(folder / "drawn", ["H03"]), []))


@pytest.fixture
def steps_of_two_seconds(monkeypatch):
    clock = count(0, 2)
    monkeypatch.setattr(training.experiments.budget.time, "monotonic", lambda: next(clock))


def within(minutes: float, settings: Settings) -> int:
    return iterations_within(minutes, settings, read_folders(settings.data))


def test_iterations_fill_the_minutes(settings, steps_of_two_seconds):
    assert within(10, settings) == int(10 * 60 / (2 * BESIDE))


def test_an_accumulated_step_takes_as_many_times_as_long(settings, steps_of_two_seconds):
    assert within(10, settings.model_copy(update={"accumulate": 3})) == int(10 * 60 / (6 * BESIDE))


def test_patches_that_grow_count_by_their_parts(settings, monkeypatch):
    shapes = []

    def seconds(_network, _wrapper, batch: dict) -> float:
        shapes.append(tuple(batch["inputs"].shape[2:]))
        return {64: 1.0, 96: 4.0}[shapes[-1][0]]

    monkeypatch.setattr(training.experiments.budget, "_seconds_a_step", seconds)
    growing = settings.model_copy(update={"smaller_first": [(0.75, (64, 64))], "patch_px": (96, 96)})
    assert within(10, growing) == int(10 * 60 / ((0.75 * 1 + 0.25 * 4) * BESIDE))
    assert shapes == [(64, 64), (96, 96)]


def test_too_few_minutes_for_the_warm_up_are_refused(settings, steps_of_two_seconds):
    with pytest.raises(SettingsError, match=r"0\.03 minutes are 0 iterations of 2\.30 s"):
        within(0.03, settings)


def test_several_processes_are_refused_as_each_would_measure_its_own(settings, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(SettingsError, match="several processes"):
        within(10, settings)
