"""Checkpoints of a thin RTMDet that was never trained, and images to compare on."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from click.testing import CliRunner, Result

from export.cli import main
from training.model import Facts, build_network, save_checkpoint
from training.settings import load_settings

CONFIG = Path(__file__).resolve().parents[2] / "training/configs/cpu_half.py"
THIN = {
    "model.backbone.widen_factor": 0.125,
    "model.backbone.deepen_factor": 0.167,
    "model.neck.in_channels": [32, 64, 128],
    "model.neck.out_channels": 32,
    "model.bbox_head.in_channels": 32,
    "model.bbox_head.feat_channels": 32,
}


def clouds(seed: int, side_px: int) -> np.ndarray:
    """Return (side_px, side_px, 3) uint8 of random colours in spots of every size: deep layers see something, too."""
    rng = np.random.default_rng(seed)
    total = np.zeros((side_px, side_px, 3))
    for spot in (4, 16, 64):
        count = -(-side_px // spot)
        total += rng.uniform(0, 85, (count, count, 3)).repeat(spot, 0).repeat(spot, 1)[:side_px, :side_px]
    return total.astype(np.uint8)


@pytest.fixture(scope="session")
def write_checkpoint() -> Callable[..., Path]:
    """Return a function that writes a checkpoint; its scores lie around 0.5 and differ from place to place."""

    def write(path: Path, *, mpp: float = 0.5, box_um: float = 16.0, bias: float = 0.0, seed: int = 0) -> Path:
        torch.manual_seed(seed)
        model = load_settings(CONFIG, THIN).model
        network = build_network(model)
        with torch.no_grad():
            for module in network.modules():
                if isinstance(module, torch.nn.BatchNorm2d):
                    module.momentum = None  # statistics are those of the one batch below
            tiles = [torch.from_numpy(clouds(number, 128)).permute(2, 0, 1) for number in range(8)]
            pixels = network.data_preprocessor({"inputs": tiles})["inputs"]
            network.train().bbox_head(network.extract_feat(pixels))
            for layer in network.bbox_head.rtm_cls:
                layer.weight.normal_(0, 0.006)
                layer.bias.fill_(bias)
            for layer in network.bbox_head.rtm_reg:
                layer.weight.normal_(0, 0.001)
                layer.bias.fill_(2.0)
        facts = Facts(mpp, box_um, ["mitotic figure"], "Apache-2.0", model, {"data": "none", "slides": []})
        save_checkpoint(path, network.state_dict(), facts)
        return path

    return write


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory, write_checkpoint: Callable[..., Path]) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("checkpoint") / "ema-0.001.pth")


@pytest.fixture(scope="session")
def tiles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two images without a scale."""
    folder = tmp_path_factory.mktemp("tiles")
    for seed in (7, 8):
        PIL.Image.fromarray(clouds(seed, 160)).save(folder / f"{seed}.png")
    return folder


@pytest.fixture(scope="session")
def export(tiles: Path) -> Callable[..., Result]:
    """Return a function that runs `python -m export bundle`, comparing on two small tiles."""

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(main, ["bundle", *map(str, arguments), "--tiles", str(tiles)])

    return run
