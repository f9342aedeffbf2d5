"""Batch norms that an exporter folded away, made fit for training again."""

from collections.abc import Iterable

import torch


@torch.no_grad()
def measure_norms(network: torch.nn.Module, folded: Iterable[str], batches: Iterable[dict]) -> None:
    """Give folded batch norms the mean and variance that patches have at their input; the function stays the same.

    batches: as the data loader gives them. A folded norm adds its bias and has scale 1, which is right only as long
    as it does not normalise. In training it would divide by the deviation of the batch and lose the scale that was
    folded. With weight = deviation and bias + mean it is the same function in both modes.
    """
    norms = [network.get_submodule(name) for name in folded]
    sums = {norm: torch.zeros(3, norm.num_features, dtype=torch.float64) for norm in norms}

    def note(norm: torch.nn.Module, given: tuple[torch.Tensor]) -> None:
        variance, mean = (part.double().cpu() for part in torch.var_mean(given[0], dim=(0, 2, 3), correction=0))
        count = given[0].numel() / norm.num_features
        sums[norm] += count * torch.stack([torch.ones_like(mean), mean, variance + mean.square()])

    handles = [norm.register_forward_pre_hook(note) for norm in norms]
    mode = network.training
    network.eval()
    for batch in batches:
        network.bbox_head(network.extract_feat(network.data_preprocessor(batch)["inputs"]))
    network.train(mode)
    for handle in handles:
        handle.remove()
    for norm, (count, first, second) in sums.items():
        mean = first / count
        variance = (second / count - mean.square()).clamp(min=0)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.add_(mean.to(norm.bias))
