"""One training run: settings -> data, network, optimiser, hooks -> mmengine's Runner."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import torch
from mmengine.dataset import pseudo_collate
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from mmengine.registry import LOOPS, OPTIM_WRAPPERS
from mmengine.runner import IterBasedTrainLoop, Runner
from torch.utils.data import DataLoader

from algorithm.errors import OutputError
from algorithm.writers.atomic import write_bytes
from training.augment import Augment
from training.hooks.ema import MultiEmaHook
from training.hooks.plain import PlainCheckpointHook
from training.hooks.progress import ProgressHook
from training.hooks.watch import WatchHook
from training.importers import read_folders
from training.index import IndexedImage, of_slides, without_slides
from training.model import Facts, build_network
from training.patches import PatchDataset
from training.sampling import Hierarchy, PatchSampler, weights
from training.settings import Settings, SettingsError

SETTINGS_NAME = "settings.json"
FREE_TO_CHANGE = ("workers", "cache_bytes", "save_every", "watch_every")  # of a run that is resumed
CHECKPOINTS_KEPT = 2  # the last, and the one before it should the last be cut short


@OPTIM_WRAPPERS.register_module()
class Bf16OptimWrapper(OptimWrapper):
    """bfloat16 autocast on any device; mmengine's AmpOptimWrapper refuses CPUs and bf16 needs no loss scaling."""

    def __init__(self, *, device: str, **named: Any) -> None:
        super().__init__(**named)
        self._device = device

    @contextmanager
    def optim_context(self, model: torch.nn.Module) -> Iterator[None]:
        """Run the forward pass in bf16."""
        with super().optim_context(model), torch.autocast(self._device, torch.bfloat16):
            yield


@LOOPS.register_module()
class ResumingTrainLoop(IterBasedTrainLoop):
    """mmengine's loop, but a resumed run skips draws instead of cutting every patch again to throw it away."""

    def run(self) -> torch.nn.Module:
        """Train from the current iteration to the last."""
        self.dataloader.batch_sampler.sampler.skip(self._iter * self.dataloader.batch_size)
        self.runner.call_hook("before_train")
        self.runner.call_hook("before_train_epoch")
        self.runner.model.train()
        batches = iter(self.dataloader)
        while self._iter < self._max_iters:
            self.run_iter(next(batches))
        self.runner.call_hook("after_train_epoch")
        self.runner.call_hook("after_train")
        return self.runner.model


def train(settings: Settings, work_dir: Path, *, resume: bool) -> None:
    """Train to the end of the schedule; checkpoints, averages and losses.csv go to work_dir.

    Raises SettingsError or DataError when the data cannot make a patch, OutputError when work_dir holds another run.
    """
    latest = work_dir / "last_checkpoint"
    if latest.exists() and not resume:
        raise OutputError(f"{work_dir}: holds a run already; add --resume, or name another --work-dir")
    if resume and not latest.exists():
        raise SettingsError(f"{work_dir}: nothing to resume here; leave out --resume")
    _claim(work_dir, settings, resume=resume)
    everything = read_folders(settings.data)
    images = without_slides(everything, settings.held_back)
    facts = _facts(settings, images)
    hooks = _hooks(settings, facts, of_slides(everything, settings.held_back))
    runner = _runner(settings, images, hooks, work_dir, resume=resume)
    print(facts.training["data"], flush=True)
    runner.train()


def _claim(work_dir: Path, settings: Settings, *, resume: bool) -> None:
    """Keep the settings with the run; refuse to go on with other ones, as the result would be of neither."""
    path, now = work_dir / SETTINGS_NAME, settings.model_dump(mode="json")
    if resume:
        before = json.loads(path.read_text())
        changed = sorted(key for key in now if key not in FREE_TO_CHANGE and now[key] != before.get(key))
        if changed:
            raise SettingsError(f"{path}: the run began with another {', '.join(changed)}; resume it with its own")
    write_bytes(path, (json.dumps(now, indent=1) + "\n").encode())


def _hooks(settings: Settings, facts: Facts, held_back: list[IndexedImage]) -> list[Hook]:
    averages = MultiEmaHook(settings.ema_momentums, facts, accumulate=settings.accumulate)
    watching = [WatchHook(averages, held_back, settings)] if held_back else []
    return [averages, PlainCheckpointHook(), ProgressHook(accumulate=settings.accumulate), *watching]


def _runner(
    settings: Settings, images: list[IndexedImage], hooks: list[Hook], work_dir: Path, *, resume: bool
) -> Runner:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = build_network(settings.model).train().to(memory_format=torch.channels_last)
    # mmengine counts batches, the settings count steps of the optimiser
    batches, warm = settings.iterations * settings.accumulate, settings.warmup.iterations * settings.accumulate
    return Runner(
        model=network,
        work_dir=str(work_dir),
        train_dataloader=_loader(settings, images),
        train_cfg=dict(type="ResumingTrainLoop", max_iters=batches),
        optim_wrapper=dict(
            type="Bf16OptimWrapper",
            device=device,
            optimizer=dict(type="AdamW", lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True),
            # biases and norms are not decayed, as in mmdet's own schedule for RTMDet
            paramwise_cfg=dict(norm_decay_mult=0, bias_decay_mult=0, bypass_duplicate=True),
            clip_grad=dict(max_norm=settings.clip_gradient),
            accumulative_counts=settings.accumulate,
        ),
        param_scheduler=[
            dict(
                type="LinearLR",
                start_factor=settings.warmup.start / settings.learning_rate,
                by_epoch=False,
                begin=0,
                end=warm,
            ),
            dict(
                type="CosineAnnealingLR",
                by_epoch=False,
                begin=warm,
                end=batches,
                T_max=batches - warm,
            ),
        ],
        default_hooks=dict(
            logger=None,
            checkpoint=dict(
                type="CheckpointHook",
                interval=settings.save_every * settings.accumulate,
                by_epoch=False,
                max_keep_ckpts=CHECKPOINTS_KEPT,
            ),
        ),
        custom_hooks=hooks,
        randomness=dict(seed=settings.seed),
        log_level="ERROR",
        default_scope="mmdet",
        resume=resume,
        experiment_name=work_dir.name,
    )


def _loader(settings: Settings, images: list[IndexedImage]) -> DataLoader:
    dataset = PatchDataset(
        images,
        mpp=settings.mpp,
        box_px=settings.box_px,
        patch_px=settings.patch_px,
        classes=settings.class_names,
        augment=Augment(**settings.augment.model_dump()),
        cache_bytes=settings.cache_bytes,
    )
    hierarchy = Hierarchy(**settings.sampling.model_dump())
    sampler = PatchSampler(weights(dataset.patches, settings.shares, hierarchy), seed=settings.seed)
    return DataLoader(
        dataset,
        batch_size=settings.batch,
        sampler=sampler,
        num_workers=settings.workers,
        persistent_workers=settings.workers > 0,
        collate_fn=pseudo_collate,
        drop_last=True,
        worker_init_fn=_one_thread,
    )


def _one_thread(_worker: int) -> None:
    """Leave the cores to the network: OpenCV would start a thread for each of them in every worker."""
    cv2.setNumThreads(1)


def _facts(settings: Settings, images: list[IndexedImage]) -> Facts:
    """Return what travels with the weights; raises SettingsError when there is nothing to learn."""
    if not images:
        raise SettingsError("no images: `data` names no folder, or `held_back` holds all slides back")
    figures = sum(len(image.places("MF")) for image in images)
    imposters = sum(len(image.places("NMF")) for image in images)
    slides = sorted({image.slide for image in images})
    summary = f"{figures} figures and {imposters} imposters in {len(images)} images of {len(slides)} slides"
    return Facts(
        mpp=settings.mpp,
        box_um=settings.box_um,
        classes=settings.class_names,
        licence=settings.licence,
        model=settings.model,
        training={
            "data": summary,
            "data_sets": sorted({image.dataset for image in images}),
            "slides": slides,
            "glasses": sorted(set().union(*(image.glasses for image in images))),
            "held_back": settings.held_back,
            "patch_px": list(settings.patch_px),
            "iterations": settings.iterations,
            "batch": settings.batch * settings.accumulate,
            "seed": settings.seed,
        },
    )
