import dataclasses
import os
import pickle

import mmdet
import numpy as np
import pytest
import torch
from mmengine import ConfigDict

from training.engine import TorchEngine
from training.model import CheckpointError, Facts, TileNetwork, build_network, load_checkpoint, save_checkpoint
from training.settings import load_settings

TILE_PX = 96


@pytest.fixture(scope="module")
def thin_model(tmp_path_factory, configs, thin_network):
    """Return a function that gives mmdet's config of a thin RTMDet."""

    def config(classes: int = 1) -> dict:
        path = tmp_path_factory.mktemp("config") / "thin.py"
        path.write_text(f"_base_ = ['{configs / 'cpu_half.py'}']\nclasses = {classes}\n{thin_network}")
        return load_settings(path).model

    return config


def noise(count: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, TILE_PX, TILE_PX, 3)).astype(np.uint8)


def lively(model: dict) -> torch.nn.Module:
    """Return a network whose scores differ from place to place, as those of a trained one do."""
    torch.manual_seed(0)
    network = build_network(model)
    norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    with torch.no_grad():
        for norm in norms:
            norm.momentum = None  # statistics are those of the one batch below
        pixels = network.data_preprocessor({"inputs": list(torch.from_numpy(noise(4)).permute(0, 3, 1, 2))})["inputs"]
        network.train().bbox_head(network.extract_feat(pixels))
        for layer in network.bbox_head.rtm_cls:
            layer.weight.normal_(0, 0.1)
            layer.bias.fill_(0.0)
        for layer in network.bbox_head.rtm_reg:
            layer.weight.normal_(0, 0.01)
            layer.bias.fill_(2.0)
    return network.eval()


@pytest.fixture(scope="module")
def network(thin_model):
    return lively(thin_model())


@pytest.fixture(scope="module")
def tiles() -> np.ndarray:
    return noise(2)


def run(network: TileNetwork, tiles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    with torch.inference_mode():
        boxes, scores = network.eval()(torch.from_numpy(tiles))
    return boxes.numpy(), scores.numpy()


def first_scores(network: torch.nn.Module, tiles: np.ndarray) -> np.ndarray:
    return run(TileNetwork(network, tile_px=TILE_PX, score_floor=0.0, top_k=9), tiles)[1]


@pytest.fixture
def facts(thin_model):
    return Facts(0.5, 16.0, ["mitotic figure"], "Apache-2.0", thin_model(), {"data": "none", "slides": ["H03"]})


# the network


def test_rtmdet_s_is_built_without_compiled_operations(configs):
    built = build_network(load_settings(configs / "gpu_quarter.py").model)
    assert type(built) is mmdet.models.RTMDet
    assert not built.training
    assert 8.8e6 < sum(parameter.numel() for parameter in built.parameters()) < 9.0e6  # RTMDet-S: 8.89 M


def test_losses_are_those_that_rtmdets_assigner_feeds(network):
    head = network.bbox_head
    assert type(head.loss_cls).__name__ == "QualityFocalLoss"
    assert head.loss_cls.beta == 2.0
    assert head.loss_cls.use_sigmoid
    assert type(head.loss_bbox).__name__ == "GIoULoss"


def test_images_are_normalised_as_rgb(network):
    means = network.data_preprocessor
    assert not means._channel_conversion
    assert means.mean.flatten().tolist() == pytest.approx([123.675, 116.28, 103.53])  # red first


def test_batches_are_handed_on_in_channels_last_order(network):
    batch = {"inputs": [torch.zeros(3, 64, 64, dtype=torch.uint8)] * 2}
    inputs = network.data_preprocessor(batch, training=False)["inputs"]
    assert inputs.is_contiguous(memory_format=torch.channels_last)
    assert inputs[0, :, 0, 0].tolist() == pytest.approx([-123.675 / 58.395, -116.28 / 57.12, -103.53 / 57.375])


# tiles


def mmdets_own(network: torch.nn.Module, tile: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return boxes (n, 4) and scores (n,) of all anchors as mmdet's head decodes them, best first."""
    pixels = network.data_preprocessor({"inputs": [torch.from_numpy(tile.transpose(2, 0, 1).copy())]})["inputs"]
    with torch.inference_mode():
        out = network.bbox_head(network.extract_feat(pixels))
        config = ConfigDict(nms_pre=100_000, score_thr=0.0, min_bbox_size=-1, max_per_img=100_000)
        meta = {"img_shape": (10**6, 10**6), "scale_factor": (1.0, 1.0)}  # so large that no box is cut
        shown = network.bbox_head.predict_by_feat(*out, batch_img_metas=[meta], cfg=config, with_nms=False)[0]
    first = shown.labels == 0
    boxes, scores = shown.bboxes[first].numpy(), shown.scores[first].numpy()
    order = np.argsort(-scores, kind="stable")
    return boxes[order], scores[order]


def test_tiles_give_the_boxes_and_scores_that_mmdet_decodes(network, tiles):
    boxes, scores = run(TileNetwork(network, tile_px=TILE_PX, score_floor=0.0, top_k=50), tiles)
    for number, tile in enumerate(tiles):
        expected_boxes, expected_scores = mmdets_own(network, tile)
        assert len(expected_scores) == 12 * 12 + 6 * 6 + 3 * 3
        assert np.ptp(expected_scores) > 0.2
        assert scores[number] == pytest.approx(expected_scores[:50], abs=1e-4)
        # mmdet cuts boxes at the image's left and top border; ours keep the centre of a figure at the border
        assert np.maximum(boxes[number], 0) == pytest.approx(expected_boxes[:50], abs=1e-2)


def test_scores_fall_and_stay_within_bounds(network, tiles):
    boxes, scores = run(TileNetwork(network, tile_px=TILE_PX, score_floor=0.0, top_k=100), tiles)
    assert boxes.shape == (2, 100, 4)
    assert scores.shape == (2, 100)
    assert boxes.dtype == scores.dtype == np.float32
    assert (np.diff(scores) <= 0).all()
    assert scores.min() >= 0
    assert scores.max() <= 1
    assert (boxes[..., 2:] > boxes[..., :2]).all()


def test_scores_below_the_floor_are_zero_and_the_others_as_they_were(network, tiles):
    _, scores = run(TileNetwork(network, tile_px=TILE_PX, score_floor=0.0, top_k=100), tiles)
    floor = float(np.median(scores))
    _, floored = run(TileNetwork(network, tile_px=TILE_PX, score_floor=floor, top_k=100), tiles)
    assert (floored == np.where(scores >= np.float32(floor), scores, 0)).all()
    assert 0 < (floored == 0).mean() < 1


def test_list_is_no_longer_than_there_are_places_in_a_tile(network, tiles):
    boxes, scores = run(TileNetwork(network, tile_px=TILE_PX, score_floor=0.0, top_k=1000), tiles)
    assert scores.shape == (2, 12 * 12 + 6 * 6 + 3 * 3)
    assert boxes.shape == (2, 189, 4)


def test_tile_that_is_no_multiple_of_the_stride_is_refused(network):
    with pytest.raises(ValueError, match="tile of 100 px is not in multiples of 32"):
        TileNetwork(network, tile_px=100, score_floor=0.0, top_k=10)


def test_network_of_two_classes_reports_figures_only(thin_model, tiles):
    two = lively(thin_model(classes=2))
    with torch.no_grad():
        for layer in two.bbox_head.rtm_cls:
            layer.bias[1] = 5.0  # an imposter everywhere
    boxes, scores = run(TileNetwork(two, tile_px=TILE_PX, score_floor=0.0, top_k=50), tiles)
    for number, tile in enumerate(tiles):
        expected_boxes, expected_scores = mmdets_own(two, tile)
        assert scores[number] == pytest.approx(expected_scores[:50], abs=1e-4)
        assert np.maximum(boxes[number], 0) == pytest.approx(expected_boxes[:50], abs=1e-2)


def test_engine_gives_what_the_network_gives_in_order_of_submission(network, tiles, monkeypatch):
    monkeypatch.setattr("training.precision.native_bf16", lambda: False)
    engine = TorchEngine(network, tile_px=TILE_PX, score_floor=0.1, top_k=50)
    assert (engine.precision, engine.tile_px) == ("f32", TILE_PX)
    engine.submit(tiles[:1])
    engine.submit(tiles[1:])
    raws = [engine.result(), engine.result()]
    for number, raw in enumerate(raws):
        boxes, scores = run(
            TileNetwork(network, tile_px=TILE_PX, score_floor=0.1, top_k=50), tiles[number : number + 1]
        )
        assert raw.scores == pytest.approx(scores, abs=1e-4)
        assert raw.boxes == pytest.approx(boxes, abs=1e-2)


# checkpoints


def test_checkpoint_gives_back_the_network_and_its_facts(tmp_path, network, facts, tiles):
    save_checkpoint(tmp_path / "ema.pth", network.state_dict(), facts)
    assert [path.name for path in tmp_path.iterdir()] == ["ema.pth"]
    loaded, read = load_checkpoint(tmp_path / "ema.pth")
    assert read == facts
    assert not loaded.training
    for name, tensor in network.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor), name
    expected, found = (first_scores(one, tiles) for one in (network, loaded))
    assert (expected == found).all()


class Malicious:
    """Makes a folder when it is unpickled."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __reduce__(self):
        return os.mkdir, (self._path,)


def damaged(path, network, facts, tmp_path) -> None:
    save_checkpoint(path, network.state_dict(), facts)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def without_a_weight(path, network, facts, tmp_path) -> None:
    save_checkpoint(path, dict(list(network.state_dict().items())[1:]), facts)


def with_other_facts(path, network, facts, tmp_path) -> None:
    torch.save({"state_dict": network.state_dict(), "facts": {**dataclasses.asdict(facts), "colour": "red"}}, path)


FOREIGN = {
    "absent": lambda path, *_: None,
    "empty": lambda path, *_: path.write_bytes(b""),
    "text": lambda path, *_: path.write_text("not a checkpoint"),
    "damaged": damaged,
    "of another program": lambda path, network, *_: torch.save({"state_dict": network.state_dict()}, path),
    "a list": lambda path, *_: torch.save([1, 2], path),
    "without a weight": without_a_weight,
    "with other facts": with_other_facts,
    "malicious": lambda path, network, facts, folder: torch.save({"facts": Malicious(str(folder / "owned"))}, path),
    "malicious and plain": lambda path, network, facts, folder: path.write_bytes(
        pickle.dumps(Malicious(str(folder / "owned")), protocol=2)
    ),
}


@pytest.mark.parametrize("kind", list(FOREIGN))
def test_foreign_or_damaged_file_is_refused_in_one_line(tmp_path, network, facts, kind):
    path = tmp_path / "ema.pth"
    FOREIGN[kind](path, network, facts, tmp_path)
    with pytest.raises(CheckpointError, match="not an EMA checkpoint of `python -m training train`") as caught:
        load_checkpoint(path)
    assert caught.value.exit_code == 3
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["malicious", "malicious and plain"])
def test_checkpoint_runs_no_code_when_it_is_read(tmp_path, network, facts, kind):
    FOREIGN[kind](tmp_path / "ema.pth", network, facts, tmp_path)
    with pytest.raises(CheckpointError):
        load_checkpoint(tmp_path / "ema.pth")
    assert not (tmp_path / "owned").exists()


def test_that_file_would_have_run_code_if_it_were_unpickled(tmp_path):
    FOREIGN["malicious"](tmp_path / "ema.pth", None, None, tmp_path)
    torch.load(tmp_path / "ema.pth", weights_only=False)
    assert (tmp_path / "owned").is_dir()
