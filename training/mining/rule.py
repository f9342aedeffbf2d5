"""Which detections become imposters. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from algorithm.frames import Points, area_mm2, image_to_um
from training.evaluation.scores import MATCH_RADIUS_UM
from training.index import Annotation, IndexedImage

SUFFIX = "-mined"  # a data set of its own: samplers give each set its share


@dataclass(frozen=True)
class Mined:
    """What was found in one image at or above the threshold, each detection counted once.

    by_figures: near an annotated figure. by_border: of the image. known: on an annotated imposter. xy (n, 2) px and
    score (n,): the new imposters, highest score first.
    """

    image: IndexedImage
    by_figures: int
    by_border: int
    known: int
    xy: Points
    score: NDArray[np.float64]

    @property
    def detections(self) -> int:
        """Return the number of all detections."""
        return self.by_figures + self.by_border + self.known + len(self.xy)

    @property
    def area_mm2(self) -> float:
        """Return the area of the image."""
        return area_mm2(self.image.size, self.image.mpp)


def mined_from(
    image: IndexedImage, xy: Points, score: NDArray[np.float64], *, threshold: float, margin_um: float
) -> Mined:
    """Sort the detections of one image, xy (n, 2) px and raw score (n,).

    A new imposter lies farther than margin_um from each annotated figure: within the matching radius it is the
    figure, and a little beyond it may be its other half. Within the matching radius of the border half a cell is
    seen: a figure that was annotated beyond it would be called an imposter, and the network saw a mirror image.
    Within that radius of an annotated imposter it is that one.
    """
    kept = score >= np.float32(threshold)  # scores come as float32
    xy, score = xy[kept], score[kept]
    at_figure = _near(image, "MF", xy, radius_um=margin_um)
    at_border = _border_um(image, xy) < MATCH_RADIUS_UM
    known = _near(image, "NMF", xy, radius_um=MATCH_RADIUS_UM)
    new = ~(at_figure | at_border | known)
    xy, score = xy[new], score[new]
    order = np.lexsort((xy[:, 0], xy[:, 1], -score))
    return Mined(
        image=image,
        by_figures=int(at_figure.sum()),
        by_border=int((at_border & ~at_figure).sum()),
        known=int((known & ~at_border & ~at_figure).sum()),
        xy=xy[order],
        score=score[order],
    )


def as_indexed_images(mined: Sequence[Mined]) -> list[IndexedImage]:
    """Return the images with new imposters, of data sets named `<data set>-mined`.

    They keep what was annotated: a patch around a new imposter shows its neighbours, too.
    """
    return [
        replace(
            one.image,
            dataset=one.image.dataset + SUFFIX,
            annotations=(*one.image.annotations, *(Annotation(x, y, "NMF") for x, y in one.xy.tolist())),
        )
        for one in mined
        if len(one.xy)
    ]


def _border_um(image: IndexedImage, xy: Points) -> NDArray[np.float64]:
    """Return (n,) how far each place is from the border."""
    return np.asarray((np.minimum(xy, np.array(image.size) - xy) * np.array(image.mpp)).min(axis=1, initial=np.inf))


def _near(image: IndexedImage, label: str, xy: Points, *, radius_um: float) -> NDArray[np.bool_]:
    """Return (n,) which places lie within the radius of a cell of this label."""
    cells = np.array(image.places(label), np.float64).reshape(-1, 2)
    if not len(cells) or not len(xy):
        return np.zeros(len(xy), bool)
    return KDTree(image_to_um(cells, image.mpp)).query(image_to_um(xy, image.mpp))[0] <= radius_um
