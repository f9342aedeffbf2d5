import pickle
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from networks import random_network

from algorithm.bundle import BUNDLE_FILE, load_bundle, write_bundle
from algorithm.engines.openvino import OpenvinoEngine
from algorithm.errors import BundleError
from benchmarks.pictures import region
from training.model import CheckpointError, Facts, TileNetwork, build_network, save_checkpoint
from training.pretrained import Source, load_pretrained, put_into, read_source
from training.pretrained.norms import measure_norms
from training.settings import load_settings

REPOSITORY = Path(__file__).resolve().parents[2]
MODEL = REPOSITORY / "model"
TILE_PX = 96
TRAINED = {"data": "some", "data_sets": ["drawn"], "slides": ["A01"], "glasses": ["A01", "glass 1"]}


@pytest.fixture(scope="module")
def model(tmp_path_factory, configs, thin_network):
    """Return a function that gives mmdet's config of a thin RTMDet."""

    def config(classes: int = 1) -> dict:
        path = tmp_path_factory.mktemp("config") / "thin.py"
        path.write_text(f"_base_ = ['{configs / 'cpu_half.py'}']\n{thin_network}")
        made = load_settings(path).model
        return made | {"bbox_head": made["bbox_head"] | {"num_classes": classes}}

    return config


def ours(path: Path, network: torch.nn.Module, model: dict, **training) -> Path:
    facts = Facts(0.5, 16.0, ["mitotic figure"], "Apache-2.0", model, TRAINED | training)
    save_checkpoint(path, network.state_dict(), facts)
    return path


def output(network: torch.nn.Module, pixels: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        levels, sides = network.bbox_head(network.extract_feat(pixels))
    return torch.cat([level.flatten() for level in (*levels, *sides)])


@pytest.fixture(scope="module")
def pixels() -> torch.Tensor:
    return torch.randn(2, 3, TILE_PX, TILE_PX, generator=torch.Generator().manual_seed(1))


# checkpoints


def test_checkpoint_of_this_project_takes_whole(model, tmp_path, pixels):
    before, network = random_network(model()), random_network(model(), seed=1)
    report = load_pretrained(network, ours(tmp_path / "ema-0.001.pth", before, model()))
    assert report.left == []
    assert report.took == report.of > 100
    assert str(report) == f"pretrained ema-0.001.pth: {report.took} of {report.of} tensors took"
    assert (output(network.eval(), pixels) == output(before.eval(), pixels)).all()


def test_run_checkpoint_takes_as_well_and_says_what_it_saw(model, tmp_path):
    facts = Facts(0.5, 16.0, ["mitotic figure"], "MIT", model(), TRAINED)
    stored = {
        "meta": {"iter": 3},
        "state_dict": random_network(model()).state_dict(),
        "averages": {},
        "facts": asdict(facts),
    }
    torch.save(stored, tmp_path / "iter_3.pth")
    source = read_source(tmp_path / "iter_3.pth")
    assert source.trained_on == {key: TRAINED[key] for key in ("data_sets", "slides", "glasses")}
    assert source.facts()["licence"] == "MIT"
    assert put_into(build_network(model()), source).left == []


def test_run_checkpoint_that_does_not_say_what_it_saw_is_refused(model, tmp_path):
    torch.save({"state_dict": random_network(model()).state_dict(), "averages": {}}, tmp_path / "iter_3.pth")
    with pytest.raises(CheckpointError, match=r"iter_3.pth: does not say .* name the ema-\*.pth beside it"):
        read_source(tmp_path / "iter_3.pth")


def test_other_number_of_classes_leaves_the_class_layers_as_they_were(model, tmp_path):
    network = random_network(model(), seed=1)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    report = load_pretrained(network, ours(tmp_path / "two.pth", random_network(model(classes=2)), model(classes=2)))
    assert len(report.left) == 6
    assert "bbox_head.rtm_cls.0.weight (2 classes, here 1)" in report.left
    for name, tensor in network.state_dict().items():
        assert (tensor == before[name]).all() == (".rtm_cls." in name or "num_batches" in name), name


def published(path: Path, network: torch.nn.Module) -> Path:
    """Write a checkpoint as mmdet's are: 80 classes, BGR, with a log that holds methods and numpy arrays."""
    log = HistoryBuffer([1.0, 2.0], [1, 1])
    stored = {"meta": {"epoch": 300}, "state_dict": network.state_dict(), "message_hub": {"log_scalars": {"loss": log}}}
    torch.save(stored, path)
    return path


def test_published_checkpoint_sees_red_where_it_saw_red(model, tmp_path, pixels):
    before = random_network(model(classes=80))
    network = random_network(model(), seed=1)
    report = load_pretrained(network, published(tmp_path / "rtmdet_s_coco.pth", before))
    assert report.took == report.of - 6
    assert "rtm_cls.0.weight (80 classes, here 1)" in str(report)
    features = [one.extract_feat(given) for one, given in ((network.eval(), pixels), (before.eval(), pixels.flip(1)))]
    for here, there in zip(*features, strict=True):
        assert torch.allclose(here, there, atol=1e-4)
    assert read_source(tmp_path / "rtmdet_s_coco.pth").trained_on == {}


class Harm:
    """What runs a command when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self):
        return (Path.touch, (self._path,))


def test_file_runs_no_code(tmp_path):
    torch.save({"state_dict": {}, "more": Harm(tmp_path / "touched")}, tmp_path / "bad.pth")
    with pytest.raises(CheckpointError, match=r"bad.pth: cannot be read as weights"):
        read_source(tmp_path / "bad.pth")
    assert not (tmp_path / "touched").exists()


@pytest.mark.parametrize("content", [b"", b"text", pickle.dumps([1, 2]), pickle.dumps({"state_dict": 5})])
def test_file_that_is_none_of_these_is_refused_with_what_would_do(tmp_path, content):
    (tmp_path / "some.pth").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"some.pth: cannot be read as weights .* name an ema-\*.pth or"):
        read_source(tmp_path / "some.pth")
    with pytest.raises(CheckpointError, match=r"absent.pth: no such file; name an ema"):
        read_source(tmp_path / "absent.pth")


def test_other_network_is_refused_and_nothing_was_touched(model):
    network = random_network(model())
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    half = dict(list(random_network(model(), seed=1).state_dict().items())[:40])
    with pytest.raises(CheckpointError, match=r"other: \d+ of \d+ tensors took; .* and \d+ more; less than half"):
        put_into(network, Source("other", "", half | {"layer1.weight": torch.zeros(3)}))
    assert all((tensor == before[name]).all() for name, tensor in network.state_dict().items())


# a bundle


@pytest.fixture(scope="module")
def released() -> tuple[torch.nn.Module, object]:
    network = build_network(load_settings(REPOSITORY / "training/configs/cpu_half.py").model)
    return network, load_pretrained(network, load_bundle(MODEL).member_path(0))


def test_bundle_takes_whole_and_its_network_says_what_the_onnx_says(released):
    network, report = released
    assert report.took == report.of == 422
    assert report.left == []
    bundle = load_bundle(MODEL)
    tile_px, top_k = bundle.facts.tile_px, bundle.facts.top_k
    tile = region(tile_px, tile_px)[None]
    engine = OpenvinoEngine(bundle.member_path(0), precision="f32", threads=2)
    engine.submit(tile)
    expected = engine.result()
    assert expected.scores.max() > 0.1
    tiles = TileNetwork(network, tile_px=tile_px, score_floor=bundle.facts.score_floor, top_k=top_k)
    with torch.inference_mode():
        boxes, scores = tiles.eval()(torch.from_numpy(tile))
    # the file's weights are rounded to fp16, and these are the rounded ones: what differs is the order of sums
    assert np.abs(scores.numpy() - expected.scores).max() < 1e-4
    sure = expected.scores > 0.1
    assert np.abs(np.sort(boxes.numpy()[sure], axis=0) - np.sort(expected.boxes[sure], axis=0)).max() < 0.1


def test_folded_norms_get_the_statistics_of_patches_and_change_nothing_else(released, pixels):
    network, report = released
    before = output(network.eval(), pixels)
    means = network.data_preprocessor
    raw = ((pixels * means.std + means.mean).clamp(0, 255)).round().to(torch.uint8)
    batch = {"inputs": list(raw), "data_samples": None}
    measure_norms(network, report.folded, [batch, batch])
    assert not network.training
    assert torch.allclose(output(network, pixels), before, atol=1e-2 * float(before.abs().max()))
    norm = network.get_submodule("backbone.stem.0.bn")
    seen = network.backbone.stem[0].conv(network.data_preprocessor(batch)["inputs"])
    assert torch.allclose(norm.running_mean, seen.mean(dim=(0, 2, 3)), atol=1e-4)
    assert torch.allclose(norm.weight**2, seen.var(dim=(0, 2, 3)), rtol=1e-2, atol=1e-4)
    # so that a step of training begins with the same function
    first = [network.backbone.stem[0].train(mode)(network.data_preprocessor(batch)["inputs"]) for mode in (False, True)]
    assert torch.allclose(*first, atol=1e-3)


@pytest.fixture
def bundle(tmp_path) -> Path:
    """The released bundle with its first member only."""
    folder = Path(shutil.copytree(MODEL, tmp_path / "bundle"))
    facts = load_bundle(folder).facts
    write_bundle(folder, facts.model_copy(update={"members": facts.members[:1]}))
    return folder


def test_bundle_knows_what_it_was_trained_on(bundle):
    member = load_bundle(bundle).member_path(0)
    folder, file = read_source(bundle), read_source(member)
    assert folder.sha256 == file.sha256
    assert "A00" in folder.trained_on["slides"]
    assert folder.licence.startswith("Apache-2.0")
    facts = load_bundle(bundle).facts
    assert folder.name == f"{facts.name} {facts.version}: {member.name}"


def test_onnx_without_its_bundle_is_refused(bundle, tmp_path):
    member = load_bundle(bundle).member_path(0)
    shutil.copy(member, bundle / "copy.onnx")
    with pytest.raises(CheckpointError, match=r"copy.onnx: the bundle.yaml beside it does not name it"):
        read_source(bundle / "copy.onnx")
    (bundle / BUNDLE_FILE).unlink()
    with pytest.raises(CheckpointError, match=r"no bundle.yaml beside it, which says what it was trained on"):
        read_source(member)
    with pytest.raises(BundleError, match="no model bundle there"):
        read_source(bundle)


def test_network_of_an_ensemble_must_be_named(bundle):
    facts = load_bundle(bundle).facts
    write_bundle(bundle, facts.model_copy(update={"members": facts.members * 2}))
    with pytest.raises(CheckpointError, match=r"holds 2 networks; name one of member-0-.*onnx"):
        read_source(bundle)
