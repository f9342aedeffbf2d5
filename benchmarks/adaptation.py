"""Would a threshold that adapts itself to a slide or an image find more? On predictions of a cross-validation.

    python -m benchmarks.adaptation work_dirs/cpu_folds-crossval

Each fold at the calibration and threshold that the other folds give, pooled: with the probabilities as they are; with
their prior estimated anew (Saerens, Latinne and Decaestecker 2002, "Adjusting the outputs of a classifier to new a
priori probabilities"), by slide and by image; and with the scores of each slide shifted to the median of all.
"""

import argparse
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from algorithm.bundle import logit
from training.evaluation.calibration import detections, platt, promised_threshold, with_probability
from training.evaluation.predictions import Predicted
from training.evaluation.scores import counts, pooled
from training.experiments.folds import FOLDS_NAME, held_back, read_folds
from training.experiments.scored import ENSEMBLE, scored
from training.importers import read_folders
from training.run import SETTINGS_NAME
from training.settings import read_settings

ROUNDS = 100  # of the estimate; it moves by less than 1e-4 long before
LEAST_PRIOR = 1e-3  # of a slide on which nothing looks like a figure

Shift = Callable[[Sequence[Predicted]], list[Predicted]]  # of scores, before they are calibrated
Adapt = Callable[[Sequence[Predicted], float], list[Predicted]]  # of probabilities, after it, given their prior


def main() -> None:
    """Print F1 by data set for each way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work_dir", type=Path)
    work_dir = parser.parse_args().work_dir
    images = read_folders(read_settings(work_dir / SETTINGS_NAME).data)
    folds, count = read_folds(work_dir / FOLDS_NAME, images)
    by_fold = [scored(work_dir / f"fold-{fold}", ENSEMBLE, held_back(images, folds, fold)) for fold in range(count)]
    sets = sorted({image.dataset for one in by_fold for image in one})
    print(f"| probabilities | all | {' | '.join(sets)} |\n| --- | {'---: | ' * (len(sets) + 1)}".rstrip())
    for name, (shift, adapt) in WAYS.items():
        changed = [shift(one) for one in by_fold]
        row = [held_out_f1(changed, adapt, dataset) for dataset in (None, *sets)]
        print(f"| {name} | {' | '.join(f'{f1:.3f}' for f1 in row)} |", flush=True)


def held_out_f1(by_fold: Sequence[Sequence[Predicted]], adapt: Adapt, dataset: str | None) -> float:
    """Return the F1 of every fold at the threshold of the others, pooled over the images of a data set, or all."""
    found = []
    for number, held in enumerate(by_fold):
        others = [image for n, one in enumerate(by_fold) if n != number for image in one]
        score, hits = detections(others)
        calibration = platt(score, hits, fitted_on="the other folds")
        prior = float(hits.mean())
        threshold = promised_threshold(adapt([with_probability(image, calibration) for image in others], prior))
        mine = adapt([with_probability(image, calibration) for image in held], prior)
        shown = [image for image in mine if dataset in (None, image.dataset)]
        found.append(counts(shown, threshold))
    return pooled(found).f1


def as_they_are(images: Sequence[Predicted], _prior: float) -> list[Predicted]:
    """Return the images unchanged."""
    return list(images)


def prior_by(key: Callable[[Predicted], object]) -> Adapt:
    """Return what estimates the prior of each group of images anew."""

    def adapt(images: Sequence[Predicted], prior: float) -> list[Predicted]:
        return _by_group(images, key, lambda said: with_prior(said, prior))

    return adapt


def with_prior(probability: NDArray[np.float64], prior: float) -> NDArray[np.float64]:
    """Return probabilities (n,) of a group under the prior that they themselves make most likely.

    prior: part of the detections that were figures where the probabilities were fitted.
    """
    here, now = prior, probability
    for _ in range(ROUNDS):
        figures = probability * here / prior
        rest = (1 - probability) * (1 - here) / (1 - prior)
        now = figures / (figures + rest)
        here = float(np.clip(now.mean(), LEAST_PRIOR, 1 - LEAST_PRIOR))
    return now


def as_scored(images: Sequence[Predicted]) -> list[Predicted]:
    """Return the images unchanged."""
    return list(images)


def shifted(images: Sequence[Predicted]) -> list[Predicted]:
    """Return the images with the logits of each slide's scores shifted, so that their median is 0."""
    raw = [replace(image, probability=image.score) for image in images]
    moved = _by_group(raw, _slide, lambda score: expit(logit(score) - np.median(logit(score))))
    return [replace(image, score=image.probability) for image in moved]


def _by_group(
    images: Sequence[Predicted],
    key: Callable[[Predicted], object],
    change: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> list[Predicted]:
    groups: dict[object, list[int]] = defaultdict(list)
    for number, image in enumerate(images):
        groups[key(image)].append(number)
    changed = list(images)
    for numbers in groups.values():
        sizes = [len(images[number].probability) for number in numbers]
        together = np.concatenate([images[number].probability for number in numbers])
        if not len(together):
            continue
        parts = np.split(change(together), np.cumsum(sizes)[:-1])
        for number, part in zip(numbers, parts, strict=True):
            changed[number] = replace(images[number], probability=part)
    return changed


def _slide(image: Predicted) -> tuple[str, str]:
    return image.dataset, image.slide


def _image(image: Predicted) -> str:
    return image.name


WAYS: dict[str, tuple[Shift, Adapt]] = {
    "as they are": (as_scored, as_they_are),
    "prior by slide": (as_scored, prior_by(_slide)),
    "prior by image": (as_scored, prior_by(_image)),
    "scores shifted by slide": (shifted, as_they_are),
}


if __name__ == "__main__":
    main()
