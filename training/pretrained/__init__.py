"""Weights to begin from: mmdet's own for COCO, a checkpoint of this project, or a released bundle."""

from pathlib import Path

import torch

from training.pretrained.network import Report, put_into
from training.pretrained.sources import Source, read_source

__all__ = ["Report", "Source", "load_pretrained", "put_into", "read_source"]


def load_pretrained(network: torch.nn.Module, path: Path) -> Report:
    """Put the weights of a file or bundle into a network; say which took. Raises CheckpointError, BundleError."""
    return put_into(network, read_source(path))
