"""Runs that begin from weights: a whole training in seconds, with a thin network."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import training.run
from training.index import DataError
from training.model import Facts, build_network, load_checkpoint, save_checkpoint
from training.pretrained import read_source
from training.settings import SettingsError, load_settings

MODEL = Path(__file__).resolve().parents[2] / "model"
TRAINED = {"data": "some", "data_sets": ["drawn"], "slides": ["A01"], "glasses": ["A01", "glass 1"]}


@pytest.fixture(scope="module")
def data(tmp_path_factory, write_slides) -> Path:
    return write_slides(tmp_path_factory.mktemp("data") / "drawn", ("H03", "H07"))


@pytest.fixture
def config(tmp_path, write_config, data) -> Path:
    """A rate so low that the weights stay what they began as."""
    warmup = {"iterations": 2, "start": 1e-9}
    changes = {"ema_momentums": [1e-3], "warmup": warmup, "learning_rate": 1e-8}
    return write_config(tmp_path / "tiny.py", data, ["H07"], **changes)


@pytest.fixture
def begun(config, tmp_path) -> Callable[..., Path]:
    """Return a function that writes a checkpoint to begin from."""

    def write(**trained) -> Path:
        model = load_settings(config).model
        network = build_network(model)
        facts = Facts(0.5, 16.0, ["mitotic figure"], "Apache-2.0", model, TRAINED | trained)
        save_checkpoint(tmp_path / "before.pth", network.state_dict(), facts)
        return tmp_path / "before.pth"

    return write


def test_run_begins_from_the_weights_and_its_checkpoints_remember_them(config, begun, tmp_path, command):
    result = command("train", config, "--work-dir", tmp_path / "run", "--pretrained", begun())
    assert result.exit_code == 0, result.output
    assert "pretrained before.pth: " in result.output
    before, _ = load_checkpoint(tmp_path / "before.pth")
    after, facts = load_checkpoint(tmp_path / "run/ema-0.001.pth")
    conv = "backbone.stage2.0.conv.weight"
    assert torch.allclose(after.state_dict()[conv], before.state_dict()[conv], atol=1e-5)
    assert facts.training["slides"] == ["A01", "H03"]
    assert facts.training["glasses"] == ["A01", "glass 1"]
    assert facts.training["data_sets"] == ["drawn"]
    assert facts.training["pretrained"]["name"] == "before.pth"
    assert len(facts.training["pretrained"]["sha256"]) == 64
    assert json.loads((tmp_path / "run/pretrained.json").read_text())["trained_on"]["slides"] == ["A01"]
    # and so does what begins from those
    assert read_source(tmp_path / "run/iter_3.pth").trained_on["slides"] == ["A01", "H03"]


def test_of_a_bundle_the_member_is_taken_that_saw_no_held_back_slide(config, two_members, tmp_path, monkeypatch):
    folder, taken = two_members([{"slides": ["H07"]}, {"slides": ["A01"]}]), []
    monkeypatch.setattr(training.run, "train_on", lambda *given: taken.append(given[-1]))
    training.run.train(load_settings(config), tmp_path / "run", resume=False, pretrained=folder)
    assert [path.name for path in taken] == ["second.onnx"]


def test_bundle_of_which_all_members_saw_a_held_back_slide_is_refused(config, two_members, tmp_path):
    folder = two_members([{"slides": ["H07"]}, {"slides": ["A01", "H07"]}])
    with pytest.raises(DataError, match=r"each member was trained on held-back slide\(s\) of H07"):
        training.run.train(load_settings(config), tmp_path / "run", resume=False, pretrained=folder)


def test_resumed_run_remembers_the_weights_that_it_began_from(config, begun, tmp_path):
    settings, folder = load_settings(config), tmp_path / "run"
    training.run.train(settings, folder, resume=False, pretrained=begun())
    folder = folder.rename(tmp_path / "moved")  # mmengine takes two runs of one name in one second for one
    (folder / "iter_3.pth").unlink()
    (folder / "ema-0.001.pth").unlink()
    with pytest.raises(SettingsError, match=r"the run began from before.pth; leave out --pretrained"):
        training.run.train(settings, folder, resume=True, pretrained=MODEL)
    training.run.train(settings, folder, resume=True)
    assert load_checkpoint(folder / "ema-0.001.pth")[1].training["slides"] == ["A01", "H03"]


def test_run_that_saved_nothing_does_not_begin_again_from_random_weights(config, begun, tmp_path):
    settings, folder = load_settings(config), tmp_path / "killed"
    training.run.train(settings, folder, resume=False, pretrained=begun())
    for path in folder.glob("*.pth"):
        path.unlink()
    with pytest.raises(SettingsError, match=r"has saved nothing yet; name that again with --pretrained"):
        training.run.train(settings, folder, resume=True)


@pytest.mark.parametrize("seen", [{"slides": ["H07"]}, {"glasses": ["H07"]}])
def test_weights_that_saw_what_is_held_back_are_refused(config, begun, tmp_path, seen):
    with pytest.raises(DataError, match=r"before.pth was trained on held-back slide\(s\) H07; hold others back"):
        training.run.train(load_settings(config), tmp_path / "run", resume=False, pretrained=begun(**seen))


def test_run_begins_from_a_bundle_with_norms_made_for_training(configs, data, tmp_path, capsys):
    changes = {"data": [str(data)], "held_back": [], "iterations": 2, "batch": 2, "workers": 0, "watch_every": 1000}
    changes |= {"warmup.iterations": 1, "patch_px": (96, 96), "learning_rate": 1e-8, "warmup.start": 1e-9}
    settings = load_settings(configs / "cpu_half.py", changes)
    training.run.train(settings, tmp_path / "run", resume=False, pretrained=MODEL)
    assert "422 of 422 tensors took" in capsys.readouterr().out
    network, facts = load_checkpoint(tmp_path / "run/ema-0.0005.pth")
    assert {"A00", "H03", "H07"} <= set(facts.training["slides"])
    assert float((network.backbone.stem[0].bn.weight.detach() - 1).abs().max()) > 0.05
