from collections.abc import Callable, Sequence

import numpy as np
import pytest

from training.evaluation.predictions import Predicted


def places(xs: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return (n, 2) um: these xs on one line, or the places as they are."""
    given = np.asarray(xs, np.float64)
    return np.stack([given, np.full(len(given), 50.0)], axis=1) if given.ndim == 1 else given


@pytest.fixture(scope="session")
def predicted() -> Callable[..., Predicted]:
    """Return a function that makes an image's predictions of places on a line, um, and their probabilities."""

    def made(truth: Sequence[float], found: Sequence[float], probability: Sequence[float] = (), **changes) -> Predicted:
        chances = np.asarray(probability if len(probability) else [0.9] * len(found), np.float32).astype(np.float64)
        facts = {"dataset": "set", "slide": "H03", "name": "H03_00Aa", "area_mm2": 0.5, "score": chances}
        facts |= {"scanner": "", "tumour": ""}
        return Predicted(
            **(facts | changes), truth_um=places(truth).reshape(-1, 2), found_um=places(found).reshape(-1, 2),
            probability=chances,
        )  # fmt: skip

    return made
