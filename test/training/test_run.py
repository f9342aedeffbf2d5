"""A whole training in seconds: drawn images, a thin network, 64 px patches, six iterations."""

import csv
import json
import math
import shutil
from functools import partial
from pathlib import Path

import pytest
import torch

import training.loop
import training.run
import training.runner
from training.hooks.progress import ProgressHook
from training.index import DataError
from training.model import load_checkpoint
from training.sampling import PatchSampler
from training.settings import Settings, SettingsError, load_settings

ITERATIONS, SAVE_EVERY, BATCH, WARM = 6, 3, 2, 2
MOMENTUMS = (2.5e-3, 1.25e-3, 6.25e-4)
EMAS = ("ema-0.0025.pth", "ema-0.00125.pth", "ema-0.000625.pth")
CHOSEN = {name.replace(".pth", f"-{by}.pth") for name in EMAS for by in ("lowest-loss", "best-f1")}


@pytest.fixture(scope="module")
def data(tmp_path_factory, write_slides) -> Path:
    """Three slides of the Hamamatsu; H07 is to be held back."""
    return write_slides(tmp_path_factory.mktemp("data") / "drawn", ("H03", "H05", "H07"))


@pytest.fixture(scope="module")
def config(tmp_path_factory, write_config, data) -> Path:
    changes = {
        "iterations": ITERATIONS,
        "ema_momentums": list(MOMENTUMS),
        "save_every": SAVE_EVERY,
        "batch": BATCH,
        "warmup": {"iterations": WARM, "start": 1e-5},
    }
    return write_config(tmp_path_factory.mktemp("config") / "tiny.py", data, ["H07"], **changes)


@pytest.fixture(scope="module")
def settings(config) -> Settings:
    return load_settings(config)


@pytest.fixture(scope="module", autouse=True)
def every_iteration_is_logged():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training.run, "ProgressHook", partial(ProgressHook, every=1))
        yield


@pytest.fixture(scope="module")
def finished(tmp_path_factory, settings) -> Path:
    """The work dir of a run that was never stopped."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    training.run.train(settings, folder, resume=False)
    return folder


@pytest.fixture
def stopped(tmp_path, finished) -> Path:
    """The work dir as it was when half of the run was saved."""
    folder = tmp_path / "stopped"
    shutil.copytree(finished, folder)
    (folder / f"iter_{ITERATIONS}.pth").unlink()
    for name in EMAS:
        (folder / name).unlink()
    return folder


@pytest.fixture
def draws(monkeypatch):
    """Every (patch, seed) that is drawn from here on, in order."""
    drawn: list[tuple[int, int]] = []

    class Noted(PatchSampler):
        def __iter__(self):
            for one in super().__iter__():
                drawn.append(one)
                yield one

    monkeypatch.setattr(training.runner, "PatchSampler", Noted)  # the validation loss draws as well
    return drawn


def losses(folder: Path) -> list[dict[str, float]]:
    with (folder / "losses.csv").open(newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def apart(one: Path, other: Path) -> float:
    """Return the largest difference of a weight between two checkpoints."""
    states = [load_checkpoint(path)[0].state_dict() for path in (one, other)]
    return max(float((states[0][name] - states[1][name]).abs().max()) for name in states[0])


def test_run_leaves_three_averages_its_losses_and_its_settings(finished, settings):
    assert {path.name for path in finished.glob("*.pth")} == {*EMAS, *CHOSEN, "iter_3.pth", "iter_6.pth"}
    assert {path.name for path in finished.glob("*.png")} == {"curves.png", "samples.png"}
    assert not list(finished.glob("*.part"))
    rows = losses(finished)
    assert [row["iteration"] for row in rows] == list(range(1, ITERATIONS + 1))
    assert all(math.isfinite(value) for row in rows for value in row.values())
    assert set(rows[0]) == {"iteration", "lr", "seconds", "loss", "loss_bbox", "loss_cls"}
    assert Settings(**json.loads((finished / "settings.json").read_text())) == settings


def test_averages_know_what_they_were_trained_for(finished, settings, data):
    for name in EMAS:
        network, facts = load_checkpoint(finished / name)
        assert not network.training
        assert (facts.mpp, facts.box_um, facts.classes) == (0.5, 16.0, ["mitotic figure"])
        assert facts.licence == settings.licence
        assert facts.model == settings.model
        assert facts.training["data_sets"] == [data.name]
        assert facts.training["iterations"] == facts.training["iteration"] == ITERATIONS
        assert facts.training["batch"] == BATCH
    assert apart(finished / EMAS[0], finished / EMAS[1]) == 0  # alike as long as all of them warm up


def test_slides_that_are_held_back_are_not_trained_on(finished):
    _, facts = load_checkpoint(finished / EMAS[0])
    assert facts.training["slides"] == ["H03", "H05"]
    assert facts.training["held_back"] == ["H07"]
    assert facts.training["data"] == "6 figures and 2 imposters in 2 images of 2 slides"


def test_dataset_of_a_run_cuts_no_patch_of_a_held_back_slide(settings, tmp_path, monkeypatch):
    seen = set()

    def spied(images, **named):
        seen.update(image.slide for image in images)
        raise KeyboardInterrupt  # enough was seen

    monkeypatch.setattr(training.runner, "PatchDataset", spied)
    with pytest.raises(KeyboardInterrupt):
        training.run.train(settings, tmp_path / "run", resume=False)
    assert seen == {"H03", "H05"}


def test_training_moves_the_weights(finished, settings):
    torch.manual_seed(0)
    network, _ = load_checkpoint(finished / EMAS[0])
    assert float(network.bbox_head.rtm_cls[0].bias.detach()) != pytest.approx(-4.595, abs=1e-5)  # as initialised


@pytest.mark.parametrize(("accumulate", "last_rate"), [(1, 0.0), (3, 0.0), (1, 0.25), (3, 1.0)])
def test_learning_rate_warms_up_and_falls_as_a_cosine_to_the_last_rate(settings, tmp_path, accumulate, last_rate):
    warm = settings.warmup.model_copy(update={"iterations": 4})
    longer = settings.model_copy(
        update={"iterations": 12, "warmup": warm, "accumulate": accumulate, "last_rate": last_rate}
    )
    rates = []

    class Rates(ProgressHook):
        def before_train_iter(self, runner, batch_idx, data_batch=None):
            rates.append(runner.optim_wrapper.get_lr()["lr"][0])

        def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
            pass

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training.run, "ProgressHook", Rates)
        patch.setattr(training.loop.ResumingTrainLoop, "run_iter", stepped)
        training.run.train(longer, tmp_path / "run", resume=False)
    low, high, batches = 1e-5, 1e-3, 12 * accumulate
    warming, falling = 4 * accumulate, 8 * accumulate
    assert len(rates) == batches
    assert rates[:warming] == pytest.approx([low + (high - low) * n / (warming - 1) for n in range(warming)])
    last = high * last_rate
    cosine = [last + (high - last) * (1 + math.cos(math.pi * n / falling)) / 2 for n in range(falling)]
    assert rates[warming:] == pytest.approx(cosine, rel=1e-3)


def stepped(self, batch) -> None:
    """A training step without its arithmetic."""
    self.runner.call_hook("before_train_iter", batch_idx=self._iter, data_batch=batch)
    self.runner.optim_wrapper.step()
    self.runner.call_hook("after_train_iter", batch_idx=self._iter, data_batch=batch, outputs={})
    self._iter += 1


def test_resumed_run_draws_what_the_whole_one_drew(stopped, finished, settings, draws, tmp_path):
    training.run.train(settings, stopped, resume=True)
    resumed = list(draws)
    draws.clear()
    training.run.train(settings, tmp_path / "again", resume=False)
    whole = list(draws)
    assert len(whole) >= ITERATIONS * BATCH
    assert resumed[: (ITERATIONS - SAVE_EVERY) * BATCH] == whole[SAVE_EVERY * BATCH : ITERATIONS * BATCH]
    assert losses(stopped)[-1]["iteration"] == ITERATIONS


def test_resumed_run_ends_where_the_whole_one_ended(stopped, finished, settings):
    training.run.train(settings, stopped, resume=True)
    assert {path.name for path in stopped.glob("ema-*.pth")} == {*EMAS, *CHOSEN}
    # bf16 sums in another order now and then; a wrong draw would be off by the learning rate, 1e-3
    for name in EMAS:
        assert apart(stopped / name, finished / name) < 1e-4


def test_log_of_a_resumed_run_has_each_iteration_once(stopped, settings):
    training.run.train(settings, stopped, resume=True)  # losses.csv went on to the end before
    assert [row["iteration"] for row in losses(stopped)] == list(range(1, ITERATIONS + 1))


def test_a_run_of_before_a_setting_came_is_resumed(stopped, settings):
    path = stopped / "settings.json"
    before = json.loads(path.read_text())
    del before["slides_share"], before["augment"]["isolated_share"]
    path.write_text(json.dumps(before))
    training.run.train(settings, stopped, resume=True)
    assert json.loads(path.read_text())["slides_share"] == 1.0


def test_resumed_run_takes_its_own_settings_only(stopped, config, command):
    before = (stopped / "settings.json").read_text()
    result = command("train", config, "--work-dir", stopped, "--resume", "--set", "seed=5", "--set", "batch=1")
    assert result.exit_code == 2
    assert "the run began with another batch, seed; resume it with its own" in result.stderr
    assert (stopped / "settings.json").read_text() == before


def test_run_that_exists_is_not_overwritten(finished, config, command):
    before = {path.name: path.stat().st_mtime_ns for path in finished.iterdir()}
    result = command("train", config, "--work-dir", finished)
    assert result.exit_code == 5
    assert result.stderr == f"error: {finished}: holds a run already; add --resume, or name another --work-dir\n"
    assert {path.name: path.stat().st_mtime_ns for path in finished.iterdir()} == before


def test_there_must_be_a_run_to_resume(tmp_path, config, command):
    result = command("train", config, "--work-dir", tmp_path / "none", "--resume")
    assert result.exit_code == 2
    assert result.stderr == f"error: {tmp_path}/none: nothing to resume here; leave out --resume\n"
    assert not (tmp_path / "none").exists()


def test_data_that_hold_nothing_are_refused_before_training(settings, tmp_path):
    with pytest.raises(SettingsError, match="no images"):
        training.run.train(settings.model_copy(update={"data": [], "held_back": []}), tmp_path / "a", resume=False)
    with pytest.raises(SettingsError, match="no images"):
        held = settings.model_copy(update={"held_back": ["H03", "H05", "H07"]})
        training.run.train(held, tmp_path / "b", resume=False)
    with pytest.raises(DataError, match="no patch of a kind"):
        nothing = settings.model_copy(update={"shares": {}})
        training.run.train(nothing, tmp_path / "c", resume=False)


def test_slide_to_hold_back_that_is_not_there_is_refused(settings, tmp_path):
    with pytest.raises(DataError, match=r"no image of slide\(s\) H99 in the data"):
        training.run.train(settings.model_copy(update={"held_back": ["H99"]}), tmp_path / "run", resume=False)
