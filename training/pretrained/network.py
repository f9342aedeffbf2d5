"""Weights into a network, by name and shape, and a report of what took."""

from dataclasses import dataclass

import torch

from training.model import CheckpointError
from training.pretrained.sources import KINDS, Source

COUNTER = ".num_batches_tracked"  # batch norm counts batches, and with a momentum never reads the count
CLASS_LAYER = ".rtm_cls."
NAMED = 6  # tensors that a report names; the rest it counts


@dataclass(frozen=True)
class Report:
    """took: tensors of the network's `of` that were in the file; left: the others, with the reason."""

    name: str
    took: int
    of: int
    left: list[str]
    folded: frozenset[str] = frozenset()

    def __str__(self) -> str:
        shown = "; ".join(self.left[:NAMED]) + (f"; and {len(self.left) - NAMED} more" if self.left[NAMED:] else "")
        return f"pretrained {self.name}: {self.took} of {self.of} tensors took" + (f"; not: {shown}" if shown else "")


@torch.no_grad()
def put_into(network: torch.nn.Module, source: Source) -> Report:
    """Copy every tensor whose name and shape are the network's; layers of other classes stay as initialised.

    Raises CheckpointError, with the network untouched, when less than half would take.
    """
    weights = source.weights | _unfolded(network, source)
    chosen, left = [], []
    tensors = _distinct(network)
    for names, tensor in tensors:
        stored = next((weights[name] for name in names if name in weights), None)
        if stored is None:
            left.append(f"{names[0]} (not in the file)")
        elif stored.shape != tensor.shape:
            left.append(f"{names[0]} ({_why(names[0], stored, tensor)})")
        else:
            chosen.append((tensor, stored))
    known = {name for names, _ in tensors for name in names}
    left += [f"{name} (not in this network)" for name in weights if name not in known and not name.endswith(COUNTER)]
    if len(chosen) < len(tensors) / 2:
        few = Report(source.name, len(chosen), len(tensors), left)
        raise CheckpointError(f"{few}; less than half: is it another network? Name {KINDS}")
    for tensor, stored in chosen:
        tensor.copy_(stored)
    return Report(source.name, len(chosen), len(tensors), left, source.folded)


def _distinct(network: torch.nn.Module) -> list[tuple[list[str], torch.Tensor]]:
    """Return each tensor once with all its names: the head's levels share convolutions."""
    by_place: dict[int, tuple[list[str], torch.Tensor]] = {}
    for name, tensor in network.state_dict().items():
        if not name.endswith(COUNTER):
            by_place.setdefault(tensor.data_ptr(), ([], tensor))[0].append(name)
    return list(by_place.values())


def _unfolded(network: torch.nn.Module, source: Source) -> dict[str, torch.Tensor]:
    """Return the rest of folded batch norms: in eval mode they add their bias and do nothing else."""
    found = {}
    norms = {name: norm for name, norm in network.named_modules() if isinstance(norm, torch.nn.BatchNorm2d)}
    for name in source.folded & norms.keys():
        ones = torch.ones(norms[name].num_features)
        found[f"{name}.weight"], found[f"{name}.running_mean"] = ones, torch.zeros_like(ones)
        found[f"{name}.running_var"] = ones - norms[name].eps
    return found


def _why(name: str, stored: torch.Tensor, tensor: torch.Tensor) -> str:
    if CLASS_LAYER in name:
        return f"{len(stored)} classes, here {len(tensor)}"
    return f"{tuple(stored.shape)}, here {tuple(tensor.shape)}"
