"""Reading weights of three kinds into one: names as in mmdet's RTMDet, input channels in RGB order."""

import pickle
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.numpy_helper
import torch
from google.protobuf.message import DecodeError

from algorithm.bundle import BUNDLE_FILE, load_bundle, sha256_of
from training.members import TRAINED_ON, training_of_members
from training.model import CheckpointError

BROKEN = (OSError, EOFError, LookupError, TypeError, AttributeError, RuntimeError, ValueError, pickle.UnpicklingError)
STEM = "backbone.stem.0.conv.weight"  # the one layer that sees colours
MEAN = ".running_mean"
MOST_EPS = 0.01  # of a batch norm
KINDS = "an ema-*.pth or iter_*.pth of this project, an RTMDet checkpoint of mmdet, or a bundle's folder or .onnx"


@dataclass(frozen=True)
class Source:
    """Weights and what is known of them.

    folded: batch norms whose scale the exporter multiplied into the convolution before them; of these only the
    bias is left. trained_on: data sets, slides and glasses that the weights have seen.
    """

    name: str
    sha256: str
    weights: dict[str, torch.Tensor]
    folded: frozenset[str] = frozenset()
    licence: str = ""
    trained_on: dict[str, list[str]] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """Return what is written down of it."""
        return {"name": self.name, "sha256": self.sha256, "licence": self.licence}


def read_source(path: Path) -> Source:
    """Return the weights of a file or bundle. Unpickles no code. Raises CheckpointError or BundleError."""
    if path.is_dir():
        return _of_onnx(_only_member(path))
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file; name {KINDS}")
    return _of_onnx(path) if path.suffix == ".onnx" else _of_checkpoint(path)


def _of_checkpoint(path: Path) -> Source:
    try:
        with torch.serialization.safe_globals(_inert()), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the pickle's protocol; what cannot be read is refused below
            stored = torch.load(path, map_location="cpu", weights_only=True)
        weights = {name: tensor for name, tensor in stored["state_dict"].items() if isinstance(tensor, torch.Tensor)}
    except BROKEN as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise CheckpointError(f"{path}: cannot be read as weights ({reason}); name {KINDS}") from error
    facts = stored.get("facts")
    if facts:
        folded = folded_norms(weights)
        return Source(path.name, sha256_of(path), weights, folded, licence=facts["licence"], trained_on=_lists(facts))
    if "averages" in stored:
        raise CheckpointError(f"{path}: does not say what it was trained on, as it is of an older version; "
                              "name the ema-*.pth beside it")  # fmt: skip
    if STEM in weights:
        weights[STEM] = weights[STEM].flip(1)  # mmdet reads files as BGR, with the same means and deviations
    return Source(path.name, sha256_of(path), weights)


def folded_norms(weights: Mapping[str, torch.Tensor]) -> frozenset[str]:
    """Return the batch norms that only add their bias, as those of a network that was recovered from a bundle do.

    Their variance is a little below the 1 of a norm as initialised, so that with its eps it is 1.
    """
    names = [name.removesuffix(MEAN) for name in weights if name.endswith(MEAN)]
    return frozenset(name for name in names if _adds_its_bias(weights, name))


def _adds_its_bias(weights: Mapping[str, torch.Tensor], name: str) -> bool:
    factor, variance = weights.get(f"{name}.weight"), weights.get(f"{name}.running_var")
    if factor is None or variance is None or weights[f"{name}{MEAN}"].any():
        return False
    return bool((factor == 1).all() and ((variance < 1) & (variance > 1 - MOST_EPS)).all())


def _lists(facts: Mapping[str, Any]) -> dict[str, list[str]]:
    return {key: list(facts["training"].get(key, [])) for key in TRAINED_ON}


class _Nothing:
    """Stands for mmengine's log, which published checkpoints carry along and nothing here reads."""

    def __init__(self, *_arguments: object) -> None:
        """Take anything."""

    def __setstate__(self, state: object) -> None:
        """Keep nothing."""


def _nothing(*_arguments: object) -> None:
    """Stand for a function that the log calls when it is read."""


def _inert() -> list[tuple[Callable, str]]:
    """Return stand-ins for all that a published checkpoint's log names; none of them does anything."""
    functions = ("builtins.getattr", "__builtin__.getattr", "numpy.core.multiarray.scalar")
    classes = ("mmengine.logging.history_buffer.HistoryBuffer", "numpy.ndarray", "numpy.dtype")
    arrays = ("numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct")
    made = [(_nothing, name) for name in functions]
    made += [(_Nothing, name) for name in classes]
    return made + [(lambda *_arguments: _Nothing(), name) for name in arrays]


def _only_member(folder: Path) -> Path:
    bundle = load_bundle(folder)
    if len(bundle.facts.members) > 1:
        names = ", ".join(member.file for member in bundle.facts.members)
        raise CheckpointError(f"{folder}: holds {len(bundle.facts.members)} networks; name one of {names}")
    return bundle.member_path(0)


def _of_onnx(path: Path) -> Source:
    if not (path.parent / BUNDLE_FILE).exists():
        raise CheckpointError(f"{path}: no {BUNDLE_FILE} beside it, which says what it was trained on")
    facts = load_bundle(path.parent).facts
    training = dict(zip((member.file for member in facts.members), training_of_members(facts), strict=True))
    if path.name not in training:
        raise CheckpointError(
            f"{path}: the {BUNDLE_FILE} beside it does not name it, so that nobody knows its training"
        )
    try:
        graph = onnx.load(path).graph
    except DecodeError as error:
        raise CheckpointError(f"{path}: not an ONNX file ({error})") from error
    weights, folded = {}, set()
    for stored in graph.initializer:
        name = stored.name.removesuffix("_fp16")
        if not name.startswith("network.") or ".data_preprocessor." in name:
            continue  # constants of the graph; mean and deviation are the config's
        name = name.removeprefix("network.")
        if name.endswith(".conv.weight_bias"):  # of a convolution that has none: it was the batch norm's
            norm = name.removesuffix(".conv.weight_bias") + ".bn"
            folded.add(norm)
            name = f"{norm}.bias"
        weights[name] = torch.from_numpy(onnx.numpy_helper.to_array(stored).astype(np.float32))
    known = {"licence": facts.licence, "trained_on": _lists({"training": training[path.name]})}
    return Source(f"{facts.name} {facts.version}: {path.name}", sha256_of(path), weights, frozenset(folded), **known)
