import io

import numpy as np
import PIL.Image
import pytest
from matplotlib.axes import Axes

from training.evaluation.curves import curves

LOSSES = [
    {"iteration": n, "lr": 1e-3 / n, "seconds": 0.5, "loss": 2.0 / n, "loss_bbox": 1.0 / n, "loss_cls": 1.0 / n}
    for n in range(1, 6)
]
LOOKS = [
    {"iteration": n, "ema": ema, "f1": 0.1 * n, "ap": float("nan"), "loss": 1.0 / n}
    for n in (2, 4)
    for ema in (1e-3, 5e-4)
]


@pytest.fixture
def lines(monkeypatch) -> list[tuple[list, list]]:
    """All points (x, y) that are plotted from here on."""
    drawn: list[tuple[list, list]] = []
    plain = Axes.plot

    def noted(axes, x, y, *style, **named):
        drawn.append((list(np.atleast_1d(x)), list(np.atleast_1d(y))))
        return plain(axes, x, y, *style, **named)

    monkeypatch.setattr(Axes, "plot", noted)
    return drawn


def without(rows: list[dict], *names: str) -> list[dict]:
    return [{name: value for name, value in row.items() if name not in names} for row in rows]


def picture(content: bytes) -> PIL.Image.Image:
    opened = PIL.Image.open(io.BytesIO(content))
    opened.load()
    assert opened.format == "PNG"
    return opened


def test_every_loss_and_every_average_is_a_line(lines):
    picture(curves(LOSSES, LOOKS))
    for name in ("loss", "loss_bbox", "loss_cls", "lr"):
        assert ([1, 2, 3, 4, 5], [row[name] for row in LOSSES]) in lines
    assert lines.count(([2, 4], [0.2, 0.4])) == 2  # F1 of both
    assert lines.count(([2, 4], [0.5, 0.25])) == 2  # their losses
    assert lines.count(([4], [0.25])) == 2  # where these are lowest


@pytest.mark.parametrize(
    ("losses", "looks"),
    [
        ([], []),
        (LOSSES[:1], []),
        (LOSSES, []),
        ([], LOOKS),
        (without(LOSSES, "loss_bbox", "seconds"), without(LOOKS, "loss")),
        (LOSSES, without(LOOKS, "ap", "f1")),
    ],
)
def test_whatever_columns_there_are_make_a_picture(losses, looks):
    assert picture(curves(losses, looks)).size == (1200, 750)


def test_without_a_validation_loss_the_speed_is_shown(lines):
    curves(LOSSES, without(LOOKS, "loss"))
    assert ([1, 2, 3, 4, 5], [0.5] * 5) in lines
