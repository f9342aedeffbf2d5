"""A backbone that learns by classifying patches, and detectors that begin from it."""

from itertools import islice
from types import SimpleNamespace

import pytest
import torch

from training.classifier import middle_class
from training.importers import read_folders
from training.model import CheckpointError, TileNetwork, build_network, load_checkpoint
from training.places import Kind
from training.runner import make_loader, make_network
from training.settings import load_settings

NONE = 2
CLASSES = {Kind.FIGURE: 0, Kind.IMPOSTER: 1}


@pytest.fixture
def config(tmp_path, write_config, write_slides):
    """A classifier's config, and a detector's beside it."""
    data = write_slides(tmp_path / "drawn", ("H03", "H07"))
    write_config(tmp_path / "detector.py", data, ["H07"])
    (tmp_path / "classifier.py").write_text(
        '_base_ = ["detector.py"]\nmodel = dict(type="PatchClassifier")\nclasses = 2\nbatch = 8\n'
    )
    return tmp_path / "classifier.py"


def sample(*cells: tuple[float, float, int]):
    """Return a sample with boxes of 32 px around (x, y, label)."""
    centres = torch.tensor([cell[:2] for cell in cells]).reshape(-1, 2)
    boxes = torch.cat([centres - 16, centres + 16], dim=1)
    labels = torch.tensor([cell[2] for cell in cells], dtype=torch.long)
    return SimpleNamespace(gt_instances=SimpleNamespace(bboxes=boxes, labels=labels))


@pytest.mark.parametrize(
    ("cells", "wanted"),
    [
        ([], NONE),
        ([(32.0, 32.0, 0)], 0),
        ([(32.0, 32.0, 1)], 1),
        ([(50.0, 32.0, 0)], NONE),  # beside the middle
        ([(40.0, 32.0, 0), (33.0, 31.0, 1)], 1),  # both over it, one nearer
        ([(60.0, 60.0, 0), (25.0, 32.0, 1)], 1),
    ],
)
def test_a_patch_is_what_lies_in_its_middle(cells, wanted):
    assert middle_class(sample(*cells), (64, 64), none=NONE) == wanted


def test_patches_of_two_boxes_have_their_cell_in_the_middle(config, tmp_path, write_data, drawn):
    inside = write_data(tmp_path / "inside", [drawn("H03_00Aa", (480, 400), [(120, 200)], [(350, 200)])])
    settings = load_settings(config, {"batch": 32, "data": [str(inside)], "held_back": []})
    loader = make_loader(settings, read_folders(settings.data))
    batch = next(iter(loader))["data_samples"]
    patches, draws = loader.dataset.patches, iter(loader.batch_sampler.sampler)
    kinds = [patches[number].kind for number, _ in islice(draws, len(batch))]
    assert {Kind.FIGURE, Kind.IMPOSTER} <= set(kinds)
    for kind, one in zip(kinds, batch, strict=True):
        if kind in CLASSES:
            assert middle_class(one, settings.patch_px, none=NONE) == CLASSES[kind]


def test_only_backbone_and_classifier_learn(config):
    settings = load_settings(config)
    network = make_network(settings)
    data = network.data_preprocessor(next(iter(make_loader(settings, read_folders(settings.data)))), training=True)
    losses = network.loss(data["inputs"], data["data_samples"])
    assert list(losses) == ["loss_class"] and losses["loss_class"].isfinite()
    losses["loss_class"].backward()
    learned = {name.split(".")[0] for name, one in network.named_parameters() if one.grad is not None}
    assert learned == {"backbone", "classify"}


def test_a_detector_begins_from_the_backbone_and_knows_its_slides(config, tmp_path, command):
    result = command("pretrain", config, "--work-dir", tmp_path / "before")
    assert result.exit_code == 0, result.output
    weights = tmp_path / "before/ema-0.001.pth"
    _, facts = load_checkpoint(weights)
    assert facts.training["slides"] == ["H03"] and facts.training["held_back"] == ["H07"]
    rates = ["--set", "learning_rate=1e-9", "--set", "warmup.start=1e-10"]
    result = command("train", tmp_path / "detector.py", "--work-dir", tmp_path / "run", "--pretrained", weights, *rates)
    assert result.exit_code == 0, result.output
    after, facts = load_checkpoint(tmp_path / "run/ema-0.001.pth")
    assert facts.training["pretrained"]["name"] == weights.name
    before = load_checkpoint(weights)[0].state_dict()
    conv, neck = "backbone.stage4.0.conv.weight", "neck.out_convs.0.conv.weight"
    assert torch.allclose(after.state_dict()[conv], before[conv], atol=1e-5)
    assert command("pretrain", config, "--work-dir", tmp_path / "still", *rates).exit_code == 0
    begun = load_checkpoint(tmp_path / "still/ema-0.001.pth")[0].state_dict()
    assert not torch.allclose(before[conv], begun[conv], atol=1e-5)  # it learned
    assert torch.equal(before[neck], begun[neck])


def test_pretraining_goes_on_where_it_stopped(config, tmp_path, command):
    folder = tmp_path / "before"
    assert command("pretrain", config, "--work-dir", folder).exit_code == 0
    whole = load_checkpoint(folder / "ema-0.001.pth")[0].state_dict()
    (folder / "iter_3.pth").unlink()  # iteration 2 was saved
    (folder / "ema-0.001.pth").unlink()
    result = command("pretrain", config, "--work-dir", folder)
    assert result.exit_code == 5 and "add --resume" in result.stderr
    stored = torch.load(folder / "iter_2.pth", weights_only=False)
    key = "classify.bias"
    stored["state_dict"][key] = stored["averages"][1e-3][f"module.{key}"] = torch.full((3,), 7.0)
    torch.save(stored, folder / "iter_2.pth")
    assert command("pretrain", config, "--work-dir", folder, "--resume").exit_code == 0
    resumed = load_checkpoint(folder / "ema-0.001.pth")[0].state_dict()
    assert (resumed[key] - 7).abs().max() < 0.1 < (whole[key] - 7).abs().max()


def test_each_command_refuses_the_others_network(config, tmp_path, command):
    result = command("train", config, "--work-dir", tmp_path / "run")
    assert result.exit_code == 2 and "`pretrain` trains its backbone" in result.stderr
    result = command("pretrain", tmp_path / "detector.py", "--work-dir", tmp_path / "run")
    assert result.exit_code == 2 and "to pretrain name PatchClassifier" in result.stderr
    assert not (tmp_path / "run").exists()


def test_a_classifier_is_refused_where_a_detector_is_wanted(config):
    network = build_network(load_settings(config).model)
    with pytest.raises(CheckpointError, match="train a detector from it"):
        TileNetwork(network, tile_px=64, score_floor=0.05, top_k=10)
