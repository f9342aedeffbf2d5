"""The mean of networks: weights, what it says of its training, and what is refused."""

import dataclasses

import pytest
import torch

from training.average import average
from training.model import CheckpointError, Facts, build_network, load_checkpoint, save_checkpoint
from training.settings import load_settings


@pytest.fixture
def checkpoint(tmp_path, write_config):
    """Return a function that saves a network drawn from a seed, with facts changed."""
    model = load_settings(write_config(tmp_path / "thin.py", tmp_path, [])).model

    def saved(seed: int, training: dict, **changes):
        torch.manual_seed(seed)
        facts = Facts(0.5, 16.0, ["mitotic figure"], "Apache-2.0", model, training)
        path = tmp_path / f"{seed}.pth"
        network = build_network(model)
        for norm in network.modules():
            if isinstance(norm, torch.nn.BatchNorm2d):
                norm.running_mean.normal_()
        save_checkpoint(path, network.state_dict(), dataclasses.replace(facts, **changes))
        return path

    return saved


def test_every_weight_and_statistic_is_the_mean(checkpoint, tmp_path):
    paths = [checkpoint(seed, {"slides": ["H03"]}) for seed in range(3)]
    average(paths, tmp_path / "mean.pth")
    mean = load_checkpoint(tmp_path / "mean.pth")[0].state_dict()
    parts = [load_checkpoint(path)[0].state_dict() for path in paths]
    assert {name for name in mean if name.endswith(("running_mean", "weight"))}
    for name, tensor in mean.items():
        if tensor.is_floating_point():
            expected = sum(part[name].double() for part in parts) / 3
            assert torch.allclose(tensor.double(), expected, atol=1e-6), name
            assert tensor.dtype == parts[0][name].dtype


def test_it_saw_what_any_part_saw_and_held_back_what_all_did(checkpoint, tmp_path):
    one = {"slides": ["H03"], "glasses": ["H03", "glass 3"], "data_sets": ["a"], "held_back": ["H05", "H07"]}
    two = {"slides": ["H04", "H07"], "data_sets": ["b"], "held_back": ["H05"], "iterations": 7}
    facts = average([checkpoint(0, one), checkpoint(1, two)], tmp_path / "mean.pth")
    assert load_checkpoint(tmp_path / "mean.pth")[1] == facts
    parts = [{"source": "0.pth"}, {"source": "1.pth", "iterations": 7}]
    assert facts.training == {
        "slides": ["H03", "H04", "H07"], "glasses": ["glass 3"], "data_sets": ["a", "b"], "held_back": ["H05"],
        "average_of": parts,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"mpp": 0.25}, "mpp"),
        ({"box_um": 12.5}, "box_um"),
        ({"licence": "other"}, "licence"),
        ({"classes": ["x"]}, "classes"),
    ],
)
def test_networks_that_are_not_alike_have_no_mean(checkpoint, tmp_path, change, name):
    paths = [checkpoint(0, {}), checkpoint(1, {}, **change)]
    with pytest.raises(CheckpointError, match=rf"1.pth: {name} is not that of .*0.pth"):
        average(paths, tmp_path / "mean.pth")
    assert not (tmp_path / "mean.pth").exists()


def test_networks_whose_targets_were_found_in_other_ways_have_a_mean(checkpoint, configs, tmp_path):
    """One went on on a GPU, the other on a CPU: what they learned from differs in speed alone."""
    first = checkpoint(0, {"slides": ["H03"]})
    model = load_checkpoint(first)[1].model
    head, tasks = (load_settings(configs / "gpu_finest.py").model[key] for key in ("bbox_head", "train_cfg"))
    model = {**model, "bbox_head": {**model["bbox_head"], "type": head["type"]}, "train_cfg": tasks}
    average([first, checkpoint(1, {"slides": ["H03"]}, model=model)], tmp_path / "mean.pth")
    assert load_checkpoint(tmp_path / "mean.pth")[1].model["bbox_head"]["type"] == "RTMDetSepBNHead"


def test_command_averages_and_takes_the_licence_that_it_is_told(command, checkpoint, tmp_path):
    paths = [checkpoint(0, {"slides": ["H03"]}), checkpoint(1, {"slides": ["H04"]}, licence="MIT")]
    out = tmp_path / "mean.pth"
    assert command("average", *paths, "--output", out).exit_code == 3
    result = command("average", *paths, "--output", out, "--licence", "both")
    assert (result.exit_code, result.output) == (0, f"written: {out}, trained on 2 slides\n")
    assert load_checkpoint(out)[1].licence == "both"
    assert command("average", paths[0], "--output", out).exit_code == 2
