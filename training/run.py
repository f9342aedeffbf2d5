"""One training run: its folder, its data, what is watched, and the facts that travel with its weights."""

import json
from pathlib import Path

from mmengine.hooks import Hook

from algorithm.atomic import write_bytes
from algorithm.errors import OutputError
from training import processes
from training.classifier import PatchClassifier
from training.hooks.checkpoint import WholeCheckpointHook, latest
from training.hooks.ema import MultiEmaHook
from training.hooks.pictures import PicturesHook
from training.hooks.pretrained import PretrainedHook
from training.hooks.progress import ProgressHook
from training.hooks.watch import WatchHook
from training.importers import read_folders
from training.index import IndexedImage, of_slides, without_slides
from training.members import unseen_member
from training.model import Facts
from training.precision import precision
from training.pretrained import read_source
from training.pretrained.record import recorded, with_record
from training.runner import make_loader, make_network, make_runner
from training.settings import Settings, SettingsError, read_settings
from training.subset import share_of_slides

CLASSIFIER = PatchClassifier.__name__
SETTINGS_NAME = "settings.json"
FREE_TO_CHANGE = ("workers", "cache_bytes", "save_every", "watch_every")  # of a run that is resumed


def train(settings: Settings, work_dir: Path, *, resume: bool, pretrained: Path | None = None) -> None:
    """Train to the end of the schedule; checkpoints, averages and CSVs go to work_dir.

    pretrained: weights to begin from instead of random ones, see `training.pretrained`; of a bundle of several
    members the one that saw no slide that is held back.
    Under torchrun every process calls it; the first one writes. Raises SettingsError or DataError when the data
    cannot make a patch, OutputError when work_dir holds another run or cannot be written, DivergedError.
    """
    if settings.model["type"] == CLASSIFIER:
        raise SettingsError(f"model.type {CLASSIFIER}: it detects nothing; `pretrain` trains its backbone")
    _check_begun(work_dir, resume=resume)
    everything = read_folders(settings.data)
    held = of_slides(everything, settings.held_back)
    if pretrained:
        pretrained = unseen_member(pretrained, held, settings.mpp)
    train_on(settings, without_slides(everything, settings.held_back), held, work_dir, pretrained)


def pretrain(settings: Settings, work_dir: Path, *, resume: bool) -> None:
    """Train a classifier's backbone on everything that is not held back; nothing watches, as it detects nothing.

    Raises SettingsError for the config of a detector, and as `train`.
    """
    if settings.model["type"] != CLASSIFIER:
        raise SettingsError(f"model.type {settings.model['type']}: `train` trains it; to pretrain name {CLASSIFIER}")
    _check_begun(work_dir, resume=resume)
    train_on(settings, without_slides(read_folders(settings.data), settings.held_back), [], work_dir)


def train_on(
    settings: Settings,
    images: list[IndexedImage],
    held_back: list[IndexedImage],
    work_dir: Path,
    pretrained: Path | None = None,
) -> None:
    """Train on images and watch others, from the last checkpoint in work_dir where there is one. See `train`."""
    processes.start()
    source = read_source(pretrained) if pretrained else None
    images = share_of_slides(images, settings.slides_share, seed=settings.seed)
    facts = with_record(_facts(settings, images), recorded(work_dir, source), held_back)
    loader = make_loader(settings, images)
    if processes.rank() == 0:
        _claim(work_dir, settings)
    hooks = _hooks(settings, facts, held_back) + ([PretrainedHook(source, settings.patch_px)] if source else [])
    runner = make_runner(settings, make_network(settings), loader, hooks, work_dir)
    if processes.rank() == 0:
        print(f"{facts.training['data']}; {precision(processes.device())}", flush=True)
    runner.train()


def _check_begun(work_dir: Path, *, resume: bool) -> None:
    if latest(work_dir) and not resume:
        raise OutputError(f"{work_dir}: holds a run already; add --resume, or name another --work-dir")
    if resume and not (work_dir / SETTINGS_NAME).exists():
        raise SettingsError(f"{work_dir}: nothing to resume here; leave out --resume")


def _claim(work_dir: Path, settings: Settings) -> None:
    """Keep the settings with the run; refuse to go on with other ones, as the result would be of neither."""
    path, now = work_dir / SETTINGS_NAME, settings.model_dump(mode="json")
    if latest(work_dir):
        before = read_settings(path).model_dump(mode="json")  # with the defaults of settings that came later
        changed = sorted(key for key in now if key not in FREE_TO_CHANGE and now[key] != before[key])
        if changed:
            raise SettingsError(f"{path}: the run began with another {', '.join(changed)}; resume it with its own")
    write_bytes(path, (json.dumps(now, indent=1) + "\n").encode())


def _hooks(settings: Settings, facts: Facts, held_back: list[IndexedImage]) -> list[Hook]:
    averages = MultiEmaHook(settings.ema_momentums, facts, accumulate=settings.accumulate)
    watching = WatchHook(averages, held_back, settings) if held_back else None
    return [
        averages,
        ProgressHook(accumulate=settings.accumulate),
        *([watching] if watching else []),
        WholeCheckpointHook(every=settings.save_every * settings.accumulate),
        PicturesHook(watching, held_back, settings),
    ]


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
            "glasses": sorted(set().union(*(image.glasses for image in images)) - set(slides)),  # the other names
            "held_back": settings.held_back,
            "patch_px": list(settings.patch_px),
            **({"smaller_first": [list(part) for part in settings.smaller_first]} if settings.smaller_first else {}),
            "iterations": settings.iterations,
            "batch": settings.batch * settings.accumulate * processes.count(),
            "seed": settings.seed,
        },
    )
