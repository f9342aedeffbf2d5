"""Settings and images -> mmengine's Runner: the network, the loader of patches, the optimiser and its schedule."""

from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import cv2
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.utils.data import DataLoader

import training.loop  # noqa: F401  # registers the loop and the optimiser's wrapper
from training import processes
from training.augment import Augment
from training.hooks.checkpoint import latest
from training.index import IndexedImage
from training.model import build_network
from training.patches import PatchDataset, collated
from training.sampling import Hierarchy, PatchSampler, SizedBatches, weights
from training.settings import Settings


def make_runner(
    settings: Settings, network: torch.nn.Module, loader: DataLoader, hooks: Sequence[Hook], work_dir: Path
) -> Runner:
    """Return a runner that goes on from the last checkpoint in work_dir, where there is one."""
    # mmengine counts batches, the settings count steps of the optimiser
    batches = settings.iterations * settings.accumulate
    resumed = latest(work_dir)
    return Runner(
        model=processes.shared(network),
        work_dir=str(work_dir),
        train_dataloader=loader,
        train_cfg=dict(type="ResumingTrainLoop", max_iters=batches),
        optim_wrapper=dict(
            type="AutocastOptimWrapper",
            device=processes.device(),
            optimizer=dict(type="AdamW", lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True),
            # biases and norms are not decayed, as in mmdet's own schedule for RTMDet
            paramwise_cfg=dict(norm_decay_mult=0, bias_decay_mult=0, bypass_duplicate=True),
            clip_grad=dict(max_norm=settings.clip_gradient, error_if_nonfinite=True),
            accumulative_counts=settings.accumulate,
        ),
        param_scheduler=_schedule(settings, batches),
        default_hooks=dict(logger=None, checkpoint=None),
        custom_hooks=list(hooks),
        randomness=dict(seed=settings.seed),
        log_level="ERROR",
        default_scope="mmdet",
        launcher="pytorch" if processes.count() > 1 else "none",
        load_from=str(resumed) if resumed else None,
        resume=resumed is not None,
        # mmengine keeps runs apart by this name and the second that they began in
        experiment_name=f"{work_dir.name}-{uuid4().hex}",
    )


def _schedule(settings: Settings, batches: int) -> list[dict]:
    """Linear warm-up, then a cosine down to last_rate."""
    warm = settings.warmup.iterations * settings.accumulate
    start = settings.warmup.start / settings.learning_rate
    return [
        dict(type="LinearLR", start_factor=start, by_epoch=False, begin=0, end=warm),
        dict(
            type="CosineAnnealingLR",
            by_epoch=False,
            begin=warm,
            end=batches,
            T_max=batches - warm,
            eta_min=settings.learning_rate * settings.last_rate,
        ),
    ]


def make_network(settings: Settings) -> torch.nn.Module:
    """Return the network as initialised by the settings' seed, in training mode."""
    torch.manual_seed(settings.seed)
    model = dict(settings.model)
    if processes.device() == "cpu":
        model["use_syncbn"] = False  # torch has it for GPUs only; each process keeps its own statistics
    return build_network(model).train().to(memory_format=torch.channels_last)


def make_loader(settings: Settings, images: Sequence[IndexedImage]) -> DataLoader:
    """Return endless batches of patches, augmented. Raises DataError when there is none to draw."""
    dataset = make_dataset(settings, images, Augment(**settings.augment.model_dump()))
    chances = weights(dataset.patches, settings.shares, Hierarchy(**settings.sampling.model_dump()))
    dataset.mix_by(chances)
    sampler = PatchSampler(chances, seed=settings.seed, rank=processes.rank(), world=processes.count())
    return DataLoader(
        dataset,
        batch_sampler=SizedBatches(
            sampler, settings.batch, lambda number: settings.patch_px_at(number // settings.accumulate)
        ),
        num_workers=settings.workers,
        persistent_workers=settings.workers > 0,
        # a forked worker waits for ever for OpenCV's threads, where the parent has looked at pictures before
        multiprocessing_context="forkserver" if settings.workers else None,
        collate_fn=collated,
        worker_init_fn=_one_thread,
    )


def make_dataset(settings: Settings, images: Sequence[IndexedImage], augment: Augment) -> PatchDataset:
    """Return the patches of these images."""
    return PatchDataset(
        images,
        mpp=settings.mpp,
        box_px=settings.box_px,
        patch_px=settings.patch_px,
        classes=settings.class_names,
        augment=augment,
        cache_bytes=settings.cache_bytes,
    )


def _one_thread(_worker: int) -> None:
    """Leave the cores to the network: OpenCV would start a thread for each of them in every worker."""
    cv2.setNumThreads(1)
