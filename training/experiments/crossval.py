"""Grouped cross-validation: every slide is scored by networks that never saw its glass."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from algorithm.atomic import write_bytes
from algorithm.errors import OutputError
from training import processes
from training.evaluation.calibration import Fit, fit, with_probability
from training.evaluation.predictions import Predicted
from training.evaluation.report import report
from training.evaluation.scores import CURVE_THRESHOLDS, average_precision, counts, f1_curve, pooled
from training.experiments.budget import iterations_within
from training.experiments.folds import FOLDS_NAME, Folds, held_back, make_folds, read_folds, trained_on, write_folds
from training.experiments.scored import ENSEMBLE, average_names, is_scored, network_names, run_scored, scored
from training.importers import read_folders
from training.index import IndexedImage
from training.run import SETTINGS_NAME
from training.settings import Settings, SettingsError, read_settings


@dataclass(frozen=True)
class Plan:
    """How the data are divided. count: folds to make, where no file names them; validate: data sets, none: all.

    pretrained: weights that every fold begins from; they must not have seen any slide that validates. Of a bundle
    with several members each fold takes one that saw none of its own; of another cross-validation's work dir the
    first average of its own fold there.
    """

    count: int = 5
    file: Path | None = None
    validate: Sequence[str] = ()
    minutes: float | None = None
    only: int | None = None
    pretrained: Path | None = None


@dataclass(frozen=True)
class Result:
    """scores: the report on all out-of-fold predictions of the ensemble; networks: a row for each average.

    honest_f1: each fold at the threshold that the other folds would have chosen, pooled.
    """

    scores: dict[str, Any]
    networks: list[dict[str, Any]]
    fit: Fit
    honest_f1: float

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values."""
        calibration = self.fit.calibration.model_dump()
        return {**self.scores, "networks": self.networks, "honest_f1": self.honest_f1, "calibration": calibration}


def crossval(settings: Settings, plan: Plan, work_dir: Path) -> Result | None:
    """Train and score each fold that is not done yet; None while others are left. Goes on where it stopped.

    In work_dir: settings.json, folds.csv, and for each fold a run, with its out-of-fold predictions.
    Raises DataError for folds that cannot be, SettingsError and OutputError for a work_dir of another plan.
    """
    if settings.held_back:
        raise SettingsError("held_back belongs to a single run; in a cross-validation the folds say what is held back")
    images = read_folders(settings.data)
    folds, count = _folds(plan, images, work_dir, settings.seed)
    settings = _settled(settings, plan, images, work_dir)
    for fold in range(count) if plan.only is None else [_known(plan.only, count)]:
        _one_fold(settings, images, folds, fold, work_dir / f"fold-{fold}", plan.pretrained)
    done = [is_scored(work_dir / f"fold-{fold}") for fold in range(count)]
    if not all(done) or processes.rank():
        return None
    return summarise(settings, images, folds, count, work_dir)


def summarise(settings: Settings, images: Sequence[IndexedImage], folds: Folds, count: int, work_dir: Path) -> Result:
    """Fit one calibration and one threshold on the out-of-fold predictions of the ensemble, and score them."""
    by_fold = [_read(work_dir, images, folds, fold, ENSEMBLE) for fold in range(count)]
    every = [image for one in by_fold for image in one]
    fitted_on = f"{count}-fold cross-validation by slide over {', '.join(sorted({one.dataset for one in every}))}"
    fitted = fit(every, fitted_on=fitted_on)
    said = [with_probability(image, fitted.calibration) for image in every]
    networks = []
    for name in network_names(settings):
        whole = [image for fold in range(count) for image in _read(work_dir, images, folds, fold, name)]
        curve = f1_curve(whole)
        best = {"best_f1": float(curve.max()), "at_score": float(CURVE_THRESHOLDS[curve.argmax()])}
        networks.append({"network": name, **best, "ap": average_precision(whole)})
    name = f"{count}-fold cross-validation, {settings.iterations} iterations, {settings.mpp:g} um/px"
    scores = report(said, threshold=fitted.threshold, bundle=name, bundle_hash="")
    return Result(scores, networks, fitted, _honest_f1(by_fold))


def _honest_f1(by_fold: Sequence[Sequence[Predicted]]) -> float:
    """Return the pooled F1 of each fold at the threshold that is fitted on the others."""
    found = []
    for number, held in enumerate(by_fold):
        others = fit([image for n, one in enumerate(by_fold) if n != number for image in one], fitted_on="the others")
        found.append(counts([with_probability(image, others.calibration) for image in held], others.threshold))
    return pooled(found).f1


def _folds(plan: Plan, images: list[IndexedImage], work_dir: Path, seed: int) -> tuple[Folds, int]:
    """Return the folds of the work dir, of the file that is named, or new ones; keep them in the work dir."""
    kept = work_dir / FOLDS_NAME
    if plan.file is not None:
        folds, count = read_folds(plan.file, images)
    else:
        folds, count = make_folds(images, plan.count, validate=plan.validate, seed=seed), plan.count
    if kept.exists() and read_folds(kept, images)[0] != folds:
        raise OutputError(f"{kept}: a cross-validation with other folds was begun here; name another --work-dir")
    if processes.rank() == 0:
        write_folds(kept, folds, images)
    return folds, count


def _settled(settings: Settings, plan: Plan, images: list[IndexedImage], work_dir: Path) -> Settings:
    """Return the settings with the iterations that fit the minutes; those of a run that was begun stay."""
    path = work_dir / SETTINGS_NAME
    if path.exists():
        before = read_settings(path)
        if plan.minutes is not None:
            settings = settings.model_copy(update={"iterations": before.iterations})
        if before != settings:
            raise OutputError(f"{path}: a cross-validation with other settings was begun here; name another --work-dir")
        return settings
    if plan.minutes is not None:
        settings = settings.model_copy(update={"iterations": iterations_within(plan.minutes, settings, images)})
    if processes.rank() == 0:
        write_bytes(path, (json.dumps(settings.model_dump(mode="json"), indent=1) + "\n").encode())
    return settings


def _one_fold(
    settings: Settings, images: list[IndexedImage], folds: Folds, fold: int, work_dir: Path, pretrained: Path | None
) -> None:
    """Train and score a fold unless that is done."""
    held = held_back(images, folds, fold)
    slides = sorted({image.slide for image in held})
    if processes.rank() == 0 and not is_scored(work_dir):
        print(f"fold {fold}: {', '.join(slides)} held back", flush=True)
    settings = settings.model_copy(update={"held_back": slides})
    if pretrained is not None:
        pretrained = _of_fold(pretrained, fold) or pretrained
    run_scored(settings, trained_on(images, folds, fold), held, work_dir, pretrained)


def _of_fold(before: Path, fold: int) -> Path | None:
    """Return what the same fold of another cross-validation ended with; None where the path is none.

    Were its folds others, the run refuses weights that saw what it holds back.
    """
    if not (before / FOLDS_NAME).exists():
        return None
    run = before / f"fold-{fold}"
    if not is_scored(run):
        raise SettingsError(f"{run}: this fold is not done, so that nothing can go on from it")
    return run / f"{average_names(read_settings(before / SETTINGS_NAME))[0]}.pth"


def _read(work_dir: Path, images: Sequence[IndexedImage], folds: Folds, fold: int, name: str) -> list[Predicted]:
    return scored(work_dir / f"fold-{fold}", name, held_back(images, folds, fold))


def _known(fold: int, count: int) -> int:
    if not 0 <= fold < count:
        raise SettingsError(f"fold {fold}: there are {count}, counted from 0")
    return fold
