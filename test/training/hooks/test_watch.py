"""Which states of an average are kept, by looks whose loss and F1 are told beforehand."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import training.hooks.watch
from training.evaluation.scores import CURVE_THRESHOLDS
from training.hooks.watch import LOG_NAME, WatchHook, read_log

MOMENTUM = 0.01


class Averages:
    """Stands for the EMAs; notes what is saved under which name."""

    def __init__(self) -> None:
        self.averages = {MOMENTUM: SimpleNamespace(module="network")}
        self.saved: list[tuple[str, dict]] = []

    def save(self, path: Path, momentum: float, **facts: float) -> None:
        assert momentum == MOMENTUM
        self.saved.append((path.name, facts))


@pytest.fixture
def averages() -> Averages:
    return Averages()


@pytest.fixture
def look(monkeypatch, tmp_path, averages):
    """Return a function that lets the hook look once, and find this loss and this best F1 at score 0.5."""
    monkeypatch.setattr(training.hooks.watch, "ValidationLoss", lambda *_: None)
    monkeypatch.setattr(training.hooks.watch, "detector_of", lambda *_: None)
    monkeypatch.setattr(training.hooks.watch, "predict", lambda *_: ["predictions"])
    monkeypatch.setattr(training.hooks.watch, "average_precision", lambda _: 0.4)
    settings = SimpleNamespace(watch_every=10, iterations=100, accumulate=1)

    def once(iteration: int, loss: float, f1: float) -> None:
        hook = WatchHook(averages, [], settings)  # a new one each time, as after a resume
        hook._loss = lambda _: loss
        monkeypatch.setattr(training.hooks.watch, "f1_curve", lambda _: np.where(CURVE_THRESHOLDS == 0.5, f1, 0))
        hook.after_train_iter(SimpleNamespace(work_dir=str(tmp_path)), iteration - 1)

    return once


def test_each_average_is_kept_at_its_lowest_loss_and_at_its_best_f1(look, averages):
    for iteration, loss, f1 in ((10, 2.0, 0.3), (20, 1.0, 0.5), (30, 1.5, 0.6), (40, 0.9, 0.2), (50, 3.0, 0.1)):
        look(iteration, loss, f1)
    by = {"ema-0.01-lowest-loss.pth": [10, 20, 40], "ema-0.01-best-f1.pth": [10, 20, 30]}
    for name, iterations in by.items():
        assert [facts["chosen_at"] for saved, facts in averages.saved if saved == name] == iterations
    assert averages.saved[-1] == ("ema-0.01-lowest-loss.pth", {"chosen_at": 40, "chosen_loss": 0.9})


def test_a_look_that_is_only_as_good_keeps_what_is_there(look, averages):
    look(10, 1.0, 0.5)
    look(20, 1.0, 0.5)
    assert {facts["chosen_at"] for _, facts in averages.saved} == {10}


def test_every_look_is_a_row(look, tmp_path):
    look(10, 2.0, 0.3)
    look(20, 1.0, 0.5)
    rows = read_log(tmp_path / LOG_NAME)
    assert [(row["iteration"], row["loss"], row["f1"], row["at_score"]) for row in rows] == [
        (10, 2.0, 0.3, 0.5),
        (20, 1.0, 0.5, 0.5),
    ]


def test_it_looks_when_it_is_time_and_at_the_end(look, averages, tmp_path):
    for iteration in (5, 9, 11):
        look(iteration, 1.0, 0.5)
    assert not averages.saved and not (tmp_path / LOG_NAME).exists()
    look(100, 1.0, 0.5)
    assert averages.saved


def test_a_run_that_goes_on_forgets_looks_that_came_after_its_checkpoint(look, averages, tmp_path):
    look(10, 1.0, 0.5)
    look(20, 0.5, 0.9)
    hook = WatchHook(averages, [], SimpleNamespace(accumulate=1))
    hook.before_train(SimpleNamespace(work_dir=str(tmp_path), iter=15))
    averages.saved.clear()
    look(20, 0.7, 0.6)  # worse than what was forgotten, better than what counts
    assert len(averages.saved) == 2
