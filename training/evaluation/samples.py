"""What a network says of what is held back, to look at: hits, misses and false alarms as crops."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, Rectangle

from algorithm.images import Pixels
from training.evaluation.calibration import matches
from training.evaluation.predictions import Predicted
from training.evaluation.scores import MATCH_RADIUS_UM
from training.index import IndexedImage
from training.opening import open_picture

SIDE_UM = 50.0  # of a crop: a figure and some neighbours
COLUMNS = 8
FIGURE, IMPOSTER, FOUND = "#00e5ff", "#ffffff", "#ffe600"  # none of them is a colour of the stains
ROWS = ("surest hits", "least sure hits", "misses", "surest false alarms")


@dataclass(frozen=True)
class Case:
    """A place in an image to show. score: of the detection; of a miss, of the best one there below the threshold."""

    image: int
    x_um: float
    y_um: float
    score: float | None


def cases(predicted: Sequence[Predicted], threshold: float) -> dict[str, list[Case]]:
    """Return the cases for each of ROWS, the most telling first: at most COLUMNS each."""
    hits, misses, alarms = [], [], []
    for number, image in enumerate(predicted):
        figure, claimed = matches(image), image.score >= threshold
        for (x, y), score, of in zip(image.found_um[claimed], image.score[claimed], figure[claimed], strict=True):
            (hits if of >= 0 else alarms).append(Case(number, float(x), float(y), float(score)))
        for of in sorted(set(range(len(image.truth_um))) - set(figure[claimed].tolist())):
            below = image.score[figure == of]
            misses.append(Case(number, *map(float, image.truth_um[of]), float(below[0]) if len(below) else None))
    hits.sort(key=lambda case: -case.score)
    sure = hits[: min(COLUMNS, (len(hits) + 1) // 2)]
    misses.sort(key=lambda case: case.score or 0.0)
    alarms.sort(key=lambda case: -case.score)
    unsure = hits[len(sure) :][::-1]
    return dict(zip(ROWS, (sure, unsure[:COLUMNS], misses[:COLUMNS], alarms[:COLUMNS]), strict=True))


def samples(images: Sequence[IndexedImage], predicted: Sequence[Predicted], *, threshold: float, title: str) -> bytes:
    """Return a PNG of the cases; images in the order of the predictions."""
    shown = cases(predicted, threshold)
    figure, grid = plt.subplots(len(ROWS), COLUMNS, figsize=(2 * COLUMNS, 2.2 * len(ROWS) + 0.8), layout="constrained")
    for axes in grid.flat:
        axes.axis("off")
    for row, (name, of_row) in zip(grid, shown.items(), strict=True):
        said = name if of_row else f"{name}: none"
        row[0].text(-0.06, 0.5, said, transform=row[0].transAxes, rotation=90, ha="right", va="center", fontsize=11)
        for axes, case in zip(row, of_row, strict=False):
            _show(axes, case, images[case.image], predicted[case.image], threshold)
    figure.suptitle(title, fontsize=11)
    figure.legend(
        handles=[
            _mark(FIGURE, "s", "annotated figure"),
            _mark(IMPOSTER, "s", "annotated imposter"),
            _mark(FOUND, "o", f"found, score from {threshold:.2f}"),
        ],
        loc="outside lower center", ncols=3, facecolor="0.35", labelcolor="white", fontsize=9,
    )  # fmt: skip
    content = BytesIO()
    figure.savefig(content, format="png", dpi=90)
    plt.close(figure)
    return content.getvalue()


def _show(axes: Axes, case: Case, image: IndexedImage, predicted: Predicted, threshold: float) -> None:
    crop = _crop(image, case)
    half = SIDE_UM / 2
    box = (case.x_um - half, case.x_um + half, case.y_um + half, case.y_um - half)
    axes.imshow(crop, extent=box, interpolation="bilinear")
    axes.set(xlim=box[:2], ylim=box[2:])
    side = 2 * MATCH_RADIUS_UM
    for label, colour in (("MF", FIGURE), ("NMF", IMPOSTER)):
        for x, y in image.places(label):
            corner = x * image.mpp.x - side / 2, y * image.mpp.y - side / 2
            axes.add_patch(Rectangle(corner, side, side, fill=False, edgecolor=colour, linewidth=1.6))
    for (x, y), score in zip(predicted.found_um, predicted.score, strict=True):
        if score >= threshold:
            axes.add_patch(Circle((x, y), MATCH_RADIUS_UM, fill=False, edgecolor=FOUND, linewidth=1.6))
    said = "not seen" if case.score is None else f"{case.score:.2f}"
    axes.text(0.5, -0.02, f"{said}  {image.name}", transform=axes.transAxes, ha="center", va="top", fontsize=8)


def _crop(image: IndexedImage, case: Case) -> Pixels:
    """Return the square around a case at the image's own resolution, grey where the image ends."""
    middle = case.x_um / image.mpp.x, case.y_um / image.mpp.y
    extent = round(SIDE_UM / image.mpp.x), round(SIDE_UM / image.mpp.y)
    low = [round(at - side / 2) for at, side in zip(middle, extent, strict=True)]
    start = [max(0, at) for at in low]
    end = [min(size, at + side) for size, at, side in zip(image.size, low, extent, strict=True)]
    crop = np.full((extent[1], extent[0], 3), 200, np.uint8)
    with open_picture(image) as opened:
        part = opened.read(*start, end[0] - start[0], end[1] - start[1])
    crop[start[1] - low[1] : end[1] - low[1], start[0] - low[0] : end[0] - low[0]] = part
    return crop


def _mark(colour: str, marker: str, label: str) -> Line2D:
    return Line2D(
        [], [], linestyle="", marker=marker, markersize=11, markerfacecolor="none", markeredgecolor=colour,
        markeredgewidth=1.8, label=label,
    )  # fmt: skip
