"""A run as one picture: losses, learning rate, and how each average does on what is held back."""

from collections.abc import Sequence
from io import BytesIO

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

Rows = Sequence[dict[str, float]]  # of a CSV: column name -> value


def curves(losses: Rows, looks: Rows) -> bytes:
    """Return a PNG of whatever columns there are.

    losses: `iteration`, losses by name, `lr`, `seconds`. looks: `iteration`, `ema`, and `f1`, `ap`, `loss`.
    """
    figure, panels = plt.subplots(2, 2, figsize=(12, 7.5), layout="constrained", sharex=True)
    _losses(panels[0, 0], losses)
    _line(panels[0, 1], losses, "lr", title="learning rate")
    _averages(panels[1, 0], looks, {"f1": "-", "ap": ":"}, title="held back: best F1 (line), AP (dots)")
    panels[1, 0].set(ylim=(0, 1))
    if any("loss" in row for row in looks):
        _averages(panels[1, 1], looks, {"loss": "-"}, title="held back: loss")
        _least(panels[1, 1])
    else:
        _line(panels[1, 1], losses, "seconds", title="seconds an iteration")
    for axes in panels.flat:
        axes.grid(alpha=0.3)
        if not axes.lines:
            axes.text(0.5, 0.5, "nothing yet", transform=axes.transAxes, ha="center", color="0.5")
    for axes in panels[1]:
        axes.set(xlabel="iteration")
    content = BytesIO()
    figure.savefig(content, format="png", dpi=100)
    plt.close(figure)
    return content.getvalue()


def _losses(axes: Axes, rows: Rows) -> None:
    names = [name for name in (rows[0] if rows else ()) if name.startswith("loss")]
    for name in names:
        _line(axes, rows, name, label=name, linewidth=2 if name == "loss" else 1.2)
    axes.set(title="training losses")
    if names:
        axes.set(yscale="log")  # the first ones are ten times the last
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("{x:g}")
        axes.tick_params(axis="y", which="both", labelsize=8)
        axes.legend(fontsize=8)


def _line(axes: Axes, rows: Rows, name: str, *, title: str = "", **style: object) -> None:
    at = [(row["iteration"], row[name]) for row in rows if name in row]
    if at:
        axes.plot(*zip(*at, strict=True), marker="o" if len(at) < 3 else None, **{"linewidth": 1.5, **style})
    if title:
        axes.set(title=title)


def _averages(axes: Axes, rows: Rows, styles: dict[str, str], *, title: str) -> None:
    for number, momentum in enumerate(sorted({row["ema"] for row in rows}, reverse=True)):
        for name, style in styles.items():
            at = [(row["iteration"], row[name]) for row in rows if row["ema"] == momentum and name in row]
            label = f"EMA {momentum:g}" if style == "-" else None
            if at:
                axes.plot(*zip(*at, strict=True), style, color=f"C{number}", marker="o", markersize=4, label=label)
    axes.set(title=title)
    if axes.lines:
        axes.legend(fontsize=8)


def _least(axes: Axes) -> None:
    """Mark the lowest point of each line: there the average is kept."""
    for line in axes.lines[:]:
        x, y = line.get_data()
        lowest = min(range(len(y)), key=lambda at: y[at])
        axes.plot(x[lowest], y[lowest], "v", color=line.get_color(), markersize=9)
