"""The report as one picture: F1 against threshold, precision against recall, FROC, and reliability."""

from io import BytesIO
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from training.evaluation.scores import FROC_MOST_FP

UNIT = {"xlim": (0, 1), "ylim": (0, 1)}


def plot(scores: dict[str, Any]) -> bytes:
    """Return a PNG with a line for each data set; the decision threshold is marked."""
    figure, ((f1, pr), (froc, reliable)) = plt.subplots(2, 2, figsize=(11, 8.4), layout="constrained")
    groups = [group for group in scores["groups"] if group["by"] in ("all", "data set")]
    groups = groups[1:] if len(groups) == 2 else groups  # "all" is the one data set
    for group in groups:
        name = f"{group['data']} ({group['mf']} figures)"
        line = {"linewidth": 2.2 if group["data"] == "all" else 1.6, "label": name}
        f1.plot(group["f1_curve"]["threshold"], group["f1_curve"]["f1"], **line)
        [drawn] = pr.plot(group["pr_curve"]["recall"], group["pr_curve"]["precision"], **line)
        pr.plot(group["recall"], group["precision"], "o", color=drawn.get_color())
        froc.plot(group["froc_curve"]["fp_per_image"], group["froc_curve"]["recall"], **line)
    f1.axvline(scores["threshold"], color="0.4", linestyle="--", linewidth=1, label="decision threshold")
    f1.set(xlabel="threshold on probability", ylabel="F1", title="F1 within 7.5 µm", **UNIT)
    pr.set(xlabel="recall", ylabel="precision", title="Precision and recall; dots: as decided", **UNIT)
    froc.set(xlabel="false positives an image", ylabel="recall", xlim=(0, FROC_MOST_FP), ylim=(0, 1), title="FROC")
    _reliability(reliable, scores["reliability"])
    for axes, corner in ((f1, "lower center"), (pr, "lower left"), (froc, "lower right")):
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8, loc=corner)
    figure.suptitle(scores["bundle"], fontsize=11)
    content = BytesIO()
    figure.savefig(content, format="png", dpi=110)
    plt.close(figure)
    return content.getvalue()


def _reliability(axes: Any, bins: dict[str, list[float]]) -> None:
    """Draw what share of the detections are figures, against what was said; how many they are beside each dot."""
    axes.plot([0, 1], [0, 1], color="0.4", linestyle="--", linewidth=1)
    axes.plot(bins["probability"], bins["figures"], "o-")
    for x, y, count in zip(bins["probability"], bins["figures"], bins["count"], strict=True):
        axes.annotate(str(count), (x, y), xytext=(5, -11), textcoords="offset points", fontsize=8, color="0.3")
    axes.set(xlabel="probability as said", ylabel="part that are figures", title="Reliability, with counts", **UNIT)
    axes.grid(alpha=0.3)
