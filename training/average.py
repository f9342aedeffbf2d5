"""One network from several that began from the same weights: the mean of their weights, at the cost of one."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from training.members import TRAINED_ON
from training.model import CheckpointError, Facts, load_checkpoint, save_checkpoint
from training.pretrained.sources import folded_norms

ALIKE = ("mpp", "box_um", "classes", "licence")


def average(paths: Sequence[Path], output: Path, *, licence: str | None = None) -> Facts:
    """Write the checkpoint whose weights and norms' statistics are the means of these; return its facts.

    Source: Wortsman et al. 2022, "Model soups". Only of runs that went on from one network; others do not meet.
    licence: of the result, where those of the parts differ. What any part was trained on, the result was trained on.
    Raises CheckpointError for parts that are not alike, OutputError.
    """
    loaded = [load_checkpoint(path) for path in paths]
    facts = [about if licence is None else replace(about, licence=licence) for _, about in loaded]
    for path, one in zip(paths[1:], facts[1:], strict=True):
        differing = [name for name in ALIKE if getattr(one, name) != getattr(facts[0], name)]
        if _network(one) != _network(facts[0]):
            differing.append("model")
        if differing:
            raise CheckpointError(
                f"{path}: {differing[0]} is not that of {paths[0]}; only networks that are alike have a mean"
            )
    states = [network.state_dict() for network, _ in loaded]
    _check_norms(paths, states)
    mean = {name: _mean([state[name] for state in states]) for name in states[0]}
    joined = replace(facts[0], training=_joined(paths, [one.training for one in facts]))
    save_checkpoint(output, mean, joined)
    return joined


def _network(facts: Facts) -> dict[str, Any]:
    """Return mmdet's config without how targets are found: gpu_finest.py has another way to the same ones."""
    head = {key: value for key, value in facts.model["bbox_head"].items() if key != "type"}
    return {**facts.model, "bbox_head": head, "train_cfg": None}


def _check_norms(paths: Sequence[Path], states: Sequence[dict[str, torch.Tensor]]) -> None:
    """Refuse networks that were recovered from a bundle beside others: their batch norms lie in other weights."""
    folded = [folded_norms(state) for state in states]
    most, least = (paths[folded.index(found(folded, key=len))] for found in (max, min))
    if len(set(folded)) > 1:
        raise CheckpointError(
            f"{most}: was recovered from a bundle, {least} was not; only networks that are alike have a mean"
        )


def _mean(tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return the mean of weights; of counters, which are whole numbers, the first."""
    if not tensors[0].is_floating_point():
        return tensors[0]
    return torch.stack([tensor.double() for tensor in tensors]).mean(dim=0).to(tensors[0].dtype)


def _joined(paths: Sequence[Path], every: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return what the parts saw together, what all of them held back, and each part's own account."""
    seen = {key: sorted({name for one in every for name in one.get(key, [])}) for key in TRAINED_ON}
    seen["glasses"] = sorted(set(seen["glasses"]) - set(seen["slides"]))
    held = set.intersection(*(set(one.get("held_back", [])) for one in every)) - set(seen["slides"])
    parts = [{"source": path.name, **_short(one)} for path, one in zip(paths, every, strict=True)]
    return {**seen, "held_back": sorted(held), "average_of": parts}


def _short(training: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in training.items() if key not in (*TRAINED_ON, "held_back")}
