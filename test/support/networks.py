"""Networks to read and write: all weights differ, as those of a trained one do."""

from typing import Any

import torch

from training.model import build_network


def random_network(model: dict[str, Any], seed: int = 0) -> torch.nn.Module:
    """Return a network of mmdet's config of which no two tensors are alike."""
    network = build_network(model)
    made = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if tensor.is_floating_point():
                noise = torch.randn(tensor.shape, generator=made)
                tensor.copy_(1 + noise.abs() / 4 if "bn" in name or "running_var" in name else noise / 8)
    return network
