"""The report as one picture: F1 against threshold, and FROC, by data set."""

from io import BytesIO
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from training.evaluation.scores import FROC_MOST_FP


def plot(scores: dict[str, Any]) -> bytes:
    """Return a PNG with a line for each data set; the decision threshold is marked."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    groups = [group for group in scores["groups"] if not group["slide"]]
    groups = groups[1:] if len(groups) == 2 else groups  # "all" is the one data set
    for group in groups:
        name = f"{group['data']} ({group['mf']} figures)"
        line = {"linewidth": 2.2 if group["data"] == "all" else 1.6, "label": name}
        left.plot(group["f1_curve"]["threshold"], group["f1_curve"]["f1"], **line)
        right.plot(group["froc_curve"]["fp_per_image"], group["froc_curve"]["recall"], **line)
    left.axvline(scores["threshold"], color="0.4", linestyle="--", linewidth=1, label="decision threshold")
    left.set(xlabel="threshold on probability", ylabel="F1", xlim=(0, 1), ylim=(0, 1), title="F1 within 7.5 µm")
    right.set(xlabel="false positives an image", ylabel="recall", xlim=(0, FROC_MOST_FP), ylim=(0, 1), title="FROC")
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8, loc="lower right" if axes is right else "lower center")
    figure.suptitle(scores["bundle"], fontsize=11)
    content = BytesIO()
    figure.savefig(content, format="png", dpi=120)
    plt.close(figure)
    return content.getvalue()
