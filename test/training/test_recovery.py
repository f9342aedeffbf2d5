"""A member of a bundle made a checkpoint again: it exports to the same file, and what else it is good for."""

import re
from pathlib import Path

import pytest
import torch
from networks import random_network

from algorithm.bundle import load_bundle
from export.bundle import Wishes, build
from training.average import average
from training.model import CheckpointError, Facts, build_network, load_checkpoint, save_checkpoint
from training.pretrained import load_pretrained, read_source
from training.pretrained.sources import folded_norms
from training.settings import load_settings

SAMPLE = Path(__file__).resolve().parents[1] / "input/interf0/images"
TRAINED = {"data_sets": ["drawn"], "slides": ["A01"], "glasses": ["A01", "glass 1"]}
OTHERS = {"data_sets": ["drawn"], "slides": ["A02"], "glasses": []}


@pytest.fixture
def config(tmp_path, write_config) -> Path:
    """A config with a thin network."""
    return write_config(tmp_path / "thin.py", tmp_path, [])


def saved(path: Path, config: Path, seed: int, training: dict, mpp: float = 0.5) -> Path:
    """Write a checkpoint of a network that says something everywhere."""
    model = load_settings(config).model
    save_checkpoint(
        path, random_network(model, seed).state_dict(), Facts(mpp, 16.0, ["mitotic figure"], "MIT", model, training)
    )
    return path


def exported(checkpoints: list[Path], output: Path) -> Path:
    images = sorted(SAMPLE.rglob("*.tif*"))[:1]
    wishes = Wishes(tile_px=192, ensemble="screen", cell_px=96)
    build(checkpoints, output, name="thin", version="1", wishes=wishes, tile_images=images, say=lambda _: None)
    return output


@pytest.fixture
def two_scales(tmp_path, config) -> Path:
    """A bundle of two members that see 0.5 and 0.375 um/px and were trained on other slides."""
    first = saved(tmp_path / "a.pth", config, 0, TRAINED)
    return exported([first, saved(tmp_path / "b.pth", config, 1, OTHERS, mpp=0.375)], tmp_path / "bundle")


def test_each_member_exports_to_the_file_that_it_came_from(command, two_scales, config, tmp_path):
    bundle = load_bundle(two_scales)
    for number, training in enumerate((TRAINED, OTHERS)):
        made = tmp_path / f"member-{number}.pth"
        result = command("recover", config, "--member", bundle.member_path(number), "--output", made)
        mpp = (0.5, 0.375)[number]
        assert result.output == f"written: {made}, which sees {mpp} um/px\n"
        _, facts = load_checkpoint(made)
        assert (facts.mpp, facts.box_um, facts.licence) == (mpp, 16.0, "MIT")
        assert {key: facts.training[key] for key in training} == training
    again = load_bundle(exported([tmp_path / "member-0.pth", tmp_path / "member-1.pth"], tmp_path / "again"))
    assert [one.sha256 for one in again.facts.members] == [one.sha256 for one in bundle.facts.members]
    assert asdict_without_source(again) == asdict_without_source(bundle)


def asdict_without_source(bundle) -> dict:
    facts = bundle.facts.model_dump()
    for member in facts["members"]:
        del member["source"]  # names of the checkpoints
    return facts


@pytest.fixture
def back(two_scales, config, tmp_path, command) -> Path:
    """The checkpoint of the first member."""
    made = tmp_path / "back.pth"
    command("recover", config, "--member", load_bundle(two_scales).member_path(0), "--output", made)
    return made


def test_training_knows_which_norms_of_it_have_no_statistics(back, two_scales, config, tmp_path):
    network = build_network(load_settings(config).model)
    assert load_pretrained(network, back).folded == read_source(load_bundle(two_scales).member_path(0)).folded
    assert len(load_pretrained(network, back).folded) > 10
    assert load_pretrained(network, tmp_path / "a.pth").folded == frozenset()


def test_norms_as_initialised_or_without_a_factor_are_not_folded(config):
    weights = build_network(load_settings(config).model).state_dict()
    assert folded_norms(weights) == frozenset()
    only = {"bn.running_mean": torch.zeros(2), "bn.running_var": torch.full((2,), 0.999)}
    assert folded_norms(only) == frozenset()
    assert folded_norms(only | {"bn.weight": torch.ones(2)}) == {"bn"}


def test_mean_with_a_network_whose_norms_are_not_folded_is_refused(back, tmp_path):
    for paths in ([tmp_path / "a.pth", back], [back, tmp_path / "a.pth"]):
        with pytest.raises(CheckpointError, match=r"back.pth: was recovered from a bundle, .*a.pth was not"):
            average(paths, tmp_path / "mean.pth")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("model = dict(backbone=dict(widen_factor=0.5))", "hardly a tensor takes; name its config"),
        ("classes = 2", r"not the config's network; name its config .* \(1 classes, here 2\)"),
        ("model = dict(data_preprocessor=dict(mean=[1.0, 2.0, 3.0]))", "was trained with another mean of its input"),
    ],
)
def test_config_of_another_network_is_refused(two_scales, config, configs, tmp_path, command, line, reason):
    other = tmp_path / "other.py"
    base = configs / "cpu_half.py" if "backbone" in line else config
    other.write_text(f"_base_ = ['{base}']\n{line}\n")
    member = load_bundle(two_scales).member_path(0)
    result = command("recover", other, "--member", member, "--output", tmp_path / "back.pth")
    assert result.exit_code == 3, result.output
    assert re.search(reason, result.output), result.output
    assert not (tmp_path / "back.pth").exists()


@pytest.mark.parametrize("name", ["a.pth", "bundle", "bundle/absent.onnx", "bundle/bundle.yaml"])
def test_what_is_no_member_is_refused(two_scales, config, tmp_path, command, name):
    result = command("recover", config, "--member", tmp_path / name, "--output", tmp_path / "back.pth")
    assert result.exit_code == 3
    assert f"{tmp_path / name}: no member of a bundle; name an .onnx beside its bundle.yaml" in result.output


def test_member_is_not_replaced_by_its_checkpoint(two_scales, config, command):
    member = load_bundle(two_scales).member_path(0)
    before = member.read_bytes()
    result = command("recover", config, "--member", member, "--output", member)
    assert (result.exit_code, member.read_bytes() == before) == (3, True)
    assert "would replace the member" in result.output
