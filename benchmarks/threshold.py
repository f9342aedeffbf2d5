"""Why the decision threshold comes from fitted probabilities and not from the best F1 that was counted.

    python -m benchmarks.threshold [--draws 300]

Draws small calibration sets from three kinds of networks, given as two normal distributions of the logit for figures
and the rest, and prints how much F1 each way of choosing a threshold loses against the best one there is.
"""

import argparse

import numpy as np
from numpy.typing import NDArray

from algorithm.bundle import logit
from training.evaluation.calibration import expected_f1, platt
from training.evaluation.scores import CURVE_THRESHOLDS

NETWORKS = {  # mean and spread of the logit: figures, then the rest
    "good": ((0.8, 1.8), (-1.5, 0.7)),
    "fair": ((0.3, 1.2), (-1.8, 0.9)),
    "poor": ((0.0, 1.0), (-1.6, 1.2)),
}
FIGURES = (15, 35, 70)
REST_PER_FIGURE = 12
MISSED = 0.05  # part of the figures that bring no detection
LARGE = 20_000  # figures of the set that stands for the truth


def main() -> None:
    """Print the mean loss of F1, and what 1 of 20 calibrations exceeds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=300)
    draws = parser.parse_args().draws
    rng = np.random.default_rng(0)
    print("network  figures  best F1   loss with the best counted F1   loss with the best expected F1 (mean, 95 %)")
    for name, network in NETWORKS.items():
        grid, truth = _true_f1(network, rng)
        for figures in FIGURES:
            losses = np.array([_losses(network, figures, grid, truth, rng) for _ in range(draws)])
            shown = "   ".join(f"{column.mean():14.3f} {np.quantile(column, 0.95):14.3f}" for column in losses.T)
            print(f"{name:8} {figures:6} {truth.max():9.3f} {shown}")


def _drawn(network: tuple, figures: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    count = max(3, int(rng.poisson(figures)))
    rest = count * REST_PER_FIGURE
    logits = np.concatenate([rng.normal(*network[0], count), rng.normal(*network[1], rest)])
    return 1 / (1 + np.exp(-logits)), np.arange(count + rest) < count


def _counted_f1(
    probability: NDArray[np.float64], hits: NDArray[np.bool_], thresholds: NDArray[np.float64]
) -> NDArray[np.float64]:
    claimed = probability[None] >= thresholds[:, None]
    total = claimed.sum(axis=1) + hits.sum() * (1 + MISSED)
    return 2 * (claimed & hits).sum(axis=1) / total


def _true_f1(network: tuple, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return scores, and the F1 of each as a threshold."""
    score, hits = _drawn(network, LARGE, rng)
    grid = 1 / (1 + np.exp(-np.linspace(-4, 4, 161)))
    return grid, _counted_f1(score, hits, grid)


def _losses(
    network: tuple, figures: int, grid: NDArray[np.float64], truth: NDArray[np.float64], rng: np.random.Generator
) -> tuple[float, float]:
    score, hits = _drawn(network, figures, rng)
    calibration = platt(score, hits, fitted_on="drawn")
    probability = calibration.probability(score)
    counted = _counted_f1(probability, hits, CURVE_THRESHOLDS)
    expected = expected_f1(probability, CURVE_THRESHOLDS, missed=round(MISSED * hits.sum()))
    chosen = CURVE_THRESHOLDS[[counted.argmax(), expected.argmax()]]
    # back from probabilities to scores, where the truth is known
    raw = 1 / (1 + np.exp(-(logit(chosen) - calibration.intercept) / calibration.slope))
    lost = truth.max() - np.interp(raw, grid, truth)
    return float(lost[0]), float(lost[1])


if __name__ == "__main__":
    main()
