"""The ablation as one picture: a dot for each run, beside the reference."""

from io import BytesIO
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

NAMES = {"ap": "average precision", "f1": "best F1"}


def plot(compared: dict[str, Any]) -> bytes:
    """Return a PNG: for each config its runs and their mean, the reference's mean as a line through all."""
    configs = compared["configs"]
    figure, panels = plt.subplots(1, 2, figsize=(10, 1.4 + 0.42 * len(configs)), layout="constrained", sharey=True)
    for axes, (measure, title) in zip(panels, NAMES.items(), strict=True):
        for place, config in enumerate(configs):
            values = config[measure]["values"]
            is_reference = config["config"] == compared["reference"]
            axes.plot(values, [place] * len(values), "o", color="0.2" if is_reference else "C0", alpha=0.8)
            axes.plot([sum(values) / len(values)], [place], "|", color="C3", markersize=16, markeredgewidth=2)
            if is_reference:
                axes.axvline(sum(values) / len(values), color="0.6", linestyle="--", linewidth=1)
        axes.set(title=title, yticks=range(len(configs)), yticklabels=[config["config"] for config in configs])
        axes.grid(axis="x", alpha=0.3)
    panels[0].invert_yaxis()
    figure.suptitle(f"Ensemble of the averages on held-back slides {', '.join(compared['slides'])}", fontsize=11)
    content = BytesIO()
    figure.savefig(content, format="png", dpi=110)
    plt.close(figure)
    return content.getvalue()
