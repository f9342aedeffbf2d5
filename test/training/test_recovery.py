"""A member of a bundle made a checkpoint again: it exports to the same file, and what else it is good for."""

from pathlib import Path

import pytest
from networks import random_network

from algorithm.bundle import load_bundle
from export.bundle import Wishes, build
from training.average import average
from training.model import CheckpointError, Facts, load_checkpoint, save_checkpoint
from training.pretrained import read_source
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
        assert result.output == f"written: {made}, {mpp} um/px, trained on 1 slides\n"
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


def test_training_that_begins_from_it_measures_its_norms_as_from_the_bundle(two_scales, config, tmp_path, command):
    member = load_bundle(two_scales).member_path(0)
    command("recover", config, "--member", member, "--output", tmp_path / "back.pth")
    assert read_source(tmp_path / "back.pth").folded == read_source(member).folded != frozenset()
    assert read_source(tmp_path / "a.pth").folded == frozenset()


def test_mean_with_a_network_whose_norms_are_not_folded_is_refused(two_scales, config, tmp_path, command):
    member = load_bundle(two_scales).member_path(0)
    command("recover", config, "--member", member, "--output", tmp_path / "back.pth")
    with pytest.raises(CheckpointError, match=r"back.pth: some were recovered from a bundle"):
        average([tmp_path / "a.pth", tmp_path / "back.pth"], tmp_path / "mean.pth")


def test_config_of_another_network_is_refused(two_scales, configs, tmp_path, command):
    member = load_bundle(two_scales).member_path(0)
    result = command("recover", configs / "cpu_half.py", "--member", member, "--output", tmp_path / "back.pth")
    assert result.exit_code == 3
    assert "error: " in result.output
    assert not (tmp_path / "back.pth").exists()
