"""Several processes on one training: what torchrun started, one to a GPU (or to a share of the cores)."""

import os
from datetime import timedelta

import torch
import torch.distributed
from mmengine.model import MMDistributedDataParallel, is_model_wrapper

PATIENCE = timedelta(hours=2)  # the first process looks at what is held back, and the others wait


def start() -> None:
    """Join the other processes, when torchrun started this one. NCCL between GPUs, gloo between CPUs."""
    if "RANK" not in os.environ or torch.distributed.is_initialized():
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    torch.distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo", timeout=PATIENCE)


def launched() -> int:
    """Return how many processes torchrun started, also before they are joined; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def count() -> int:
    """Return how many processes train together; 1 without torchrun."""
    return torch.distributed.get_world_size() if torch.distributed.is_initialized() else 1


def rank() -> int:
    """Return this process's number. 0 writes the files and prints; the others only train."""
    return torch.distributed.get_rank() if torch.distributed.is_initialized() else 0


def wait() -> None:
    """Wait until all processes are here, as when the others need what the first one writes."""
    if count() > 1:
        torch.distributed.barrier()


def device() -> str:
    """Return "cuda" (of the several, the one that `start` chose) or "cpu"."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def shared(network: torch.nn.Module) -> torch.nn.Module:
    """Return the network on its device, and with gradients averaged over the processes where there are several."""
    network = network.to(device())
    if count() == 1:
        return network
    return MMDistributedDataParallel(
        module=network,
        device_ids=[int(os.environ["LOCAL_RANK"])] if torch.cuda.is_available() else None,
        broadcast_buffers=False,  # SyncBN makes them equal on GPUs; on CPUs those of process 0 are kept
    )


def own(network: torch.nn.Module) -> torch.nn.Module:
    """Undo `shared`: return the network itself."""
    return network.module if is_model_wrapper(network) else network
