"""The network: RTMDet-S of mmdet, built from a config; the checkpoint that holds it with what export needs."""

import logging
import pickle
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from mmengine import ConfigDict
from mmengine.registry import init_default_scope

import training.mmcv_ops  # before anything of mmdet.models

import mmdet.models  # isort: skip  # noqa: F401  # registers RTMDet and its parts
from mmdet.models.data_preprocessors import DetDataPreprocessor  # isort: skip
from mmdet.registry import MODELS  # isort: skip

import training.classifier  # isort: skip  # registers what backbone.py names
import training.targets  # isort: skip  # noqa: F401  # registers the head that gpu_finest.py names

from algorithm.atomic import write_bytes
from algorithm.errors import MitosisError

logging.getLogger("mmengine").setLevel(logging.ERROR)  # it prints a line for each parameter at init
SCORE_FLOOR = 0.05  # lower, RTMDet's list fills with nuclei: its soft labels leave background above 0.01
TOP_K = 4000  # boxes kept of a tile: a figure brings about 50 above the floor
STRIDE_PX = 32  # of the coarsest feature map: patches and tiles are multiples of it


class CheckpointError(MitosisError):
    """A file is no EMA checkpoint of this project."""

    exit_code = 3


@dataclass(frozen=True)
class Facts:
    """What a network was trained for; travels with its weights.

    mpp: um/px of its input; box_um: side of the boxes it learned; classes: class names, figures first;
    model: the mmdet config of the network; training: what was trained on what, for the model card.
    """

    mpp: float
    box_um: float
    classes: list[str]
    licence: str
    model: dict[str, Any]
    training: dict[str, Any]


@MODELS.register_module()
class ChannelsLastPreprocessor(DetDataPreprocessor):
    """mmdet's normalisation, handing on batches in the memory order in which bf16 convolutions are fastest."""

    def forward(self, data: dict, training: bool = False) -> dict:
        """Return the batch normalised; inputs (n, 3, height, width) float32, channels last."""
        batch = super().forward(data, training)
        batch["inputs"] = batch["inputs"].contiguous(memory_format=torch.channels_last)
        return batch


def build_network(model: dict[str, Any]) -> torch.nn.Module:
    """Return the network of an mmdet config, weights as initialised, in eval mode."""
    init_default_scope("mmdet")
    return MODELS.build(ConfigDict(model)).eval()


def save_checkpoint(path: Path, state: dict[str, torch.Tensor], facts: Facts) -> None:
    """Write weights and facts as plain types, whole or not at all. Raises OutputError."""
    content = BytesIO()
    torch.save({"state_dict": {name: tensor.cpu() for name, tensor in state.items()}, "facts": asdict(facts)}, content)
    write_bytes(path, content.getvalue())


def load_checkpoint(path: Path) -> tuple[torch.nn.Module, Facts]:
    """Return the network with its weights (eval mode, fp32, CPU) and its facts. Unpickles no code."""
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
        facts = Facts(**stored["facts"])
        network = build_network(facts.model)
        network.load_state_dict(stored["state_dict"])
    except (OSError, KeyError, TypeError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise CheckpointError(f"{path}: not an EMA checkpoint of `python -m training train` ({reason})") from error
    return network, facts


class TileNetwork(torch.nn.Module):
    """A network as engines run it: uint8 tiles in, boxes and scores out; normalisation and decoding inside.

    Tiles are (n, tile_px, tile_px, 3) uint8 RGB. Returns boxes (n, k, 4) float32 x1 y1 x2 y2 in tile px and
    scores (n, k) float32 of the first class, from high to low, 0 below the floor.
    """

    def __init__(self, network: torch.nn.Module, *, tile_px: int, score_floor: float, top_k: int) -> None:
        super().__init__()
        if not getattr(network, "detects", True):
            raise CheckpointError(
                "a backbone that was pretrained detects nothing yet: train a detector from it with --pretrained"
            )
        if tile_px % STRIDE_PX:
            raise ValueError(f"tile of {tile_px} px is not in multiples of {STRIDE_PX}: boxes would be misplaced")
        self.network = network
        self._floor = score_floor
        head = network.bbox_head
        sizes = [(tile_px // stride, tile_px // stride) for stride, _ in head.prior_generator.strides]
        self.register_buffer("places", torch.cat(head.prior_generator.grid_priors(sizes, device="cpu")))
        self._top_k = min(top_k, len(self.places))  # a small tile has fewer places

    def forward(self, tiles: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (boxes, scores)."""
        means = self.network.data_preprocessor
        pixels = tiles.to(torch.float32).permute(0, 3, 1, 2)  # cast first: TensorRT transposes no uint8
        levels, distances = self.network.bbox_head(self.network.extract_feat((pixels - means.mean) / means.std))
        logits = torch.cat([level[:, 0].flatten(1) for level in levels], dim=1)
        sides = torch.cat([side.flatten(2).transpose(1, 2) for side in distances], dim=1)
        scores, best = torch.topk(logits.float().sigmoid(), self._top_k, dim=1)
        sides = torch.gather(sides.float(), 1, best[..., None].expand(-1, -1, 4))
        at = self.places[best]
        boxes = torch.cat([at - sides[..., :2], at + sides[..., 2:]], dim=-1)
        return boxes, torch.where(scores >= self._floor, scores, torch.zeros_like(scores))
