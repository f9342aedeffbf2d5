"""A checkpoint from a member of a released bundle, where the one that it was exported from is gone."""

from pathlib import Path

from algorithm.bundle import load_bundle
from training.members import training_of_members
from training.model import CheckpointError, Facts, build_network, save_checkpoint
from training.pretrained.network import put_into
from training.pretrained.sources import read_source
from training.settings import Settings


def recover(member: Path, settings: Settings, output: Path) -> Facts:
    """Write the checkpoint that exports to a member of a bundle, and return its facts.

    member: its .onnx in the bundle's folder. settings: of a config with its network; scale, box, classes and training
    are the bundle's. Weights are the fp16 of the export, with the batch norms that it folded into convolutions.
    Raises CheckpointError when the config's network is another one, BundleError, OutputError.
    """
    source = read_source(member)  # refuses an .onnx that the bundle beside it does not name
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
    network = build_network(settings.model)
    report = put_into(network, source)
    if report.left:
        raise CheckpointError(f"{report}; the config's network is not that of {member}")
    save_checkpoint(output, network.state_dict(), facts)
    return facts
