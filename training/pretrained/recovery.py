"""A checkpoint from a member of a released bundle, where the one that it was exported from is gone."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.numpy_helper
import torch

from algorithm.bundle import BUNDLE_FILE, load_bundle
from training.members import training_of_members
from training.model import CheckpointError, Facts, build_network, save_checkpoint
from training.pretrained.network import put_into
from training.pretrained.sources import Source, read_source
from training.settings import Settings


def recover(member: Path, settings: Settings, output: Path) -> Facts:
    """Write the checkpoint that exports to a member of a bundle, and return its facts.

    member: its .onnx in the bundle's folder. settings: of a config with its network, whose normalisation has to be the
    member's; that its activations are, too, is taken on trust. Scale, box, class names and training are the bundle's.
    Weights are the fp16 of the export, with the batch norms that it folded into convolutions.
    Raises CheckpointError for what is no member and when the config's network is another one, BundleError, OutputError.
    """
    if member.suffix != ".onnx" or not member.is_file():
        raise CheckpointError(f"{member}: no member of a bundle; name an .onnx beside its {BUNDLE_FILE}")
    source = read_source(member)  # refuses an .onnx that the bundle beside it does not name
    network = _network(member, source, settings.model)
    bundle = load_bundle(member.parent).facts
    number = [one.file for one in bundle.members].index(member.name)
    facts = Facts(
        bundle.mpp_of(bundle.members[number]),
        bundle.box_um,
        bundle.classes,
        bundle.licence,
        settings.model,
        training_of_members(bundle)[number],
    )
    if output.resolve() == member.resolve():
        raise CheckpointError(f"{output}: would replace the member; give --output another name")
    save_checkpoint(output, network.state_dict(), facts)
    return facts


def _network(member: Path, source: Source, model: dict[str, Any]) -> torch.nn.Module:
    """Return the config's network with the member's weights, all of which have to take."""
    network = build_network(model)
    try:
        report = put_into(network, source)
    except CheckpointError as error:
        raise CheckpointError(f"{member}: not the config's network, hardly a tensor takes; name its config") from error
    if report.left:
        raise CheckpointError(f"{member}: not the config's network; name its config ({report})")
    graph = {one.name: onnx.numpy_helper.to_array(one) for one in onnx.load(member).graph.initializer}
    for name in ("mean", "std"):
        here, there = getattr(network.data_preprocessor, name).numpy(), graph.get(f"network.data_preprocessor.{name}")
        if there is None or not np.allclose(here.ravel(), there.ravel()):
            raise CheckpointError(f"{member}: was trained with another {name} of its input than the config's network")
    return network
