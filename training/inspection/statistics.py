"""What an index holds, in numbers: images -> counts, sizes, distances. Pure; opens no picture."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from algorithm.frames import Mpp, area_mm2, image_to_um
from training.evaluation.scores import MATCH_RADIUS_UM
from training.index import Annotation, IndexedImage
from training.inspection.crops import BOX_UM, SUPPOSED_MPP

PIXEL = Mpp(1.0, 1.0)
DISTANCE_EDGES_UM = (0.0, MATCH_RADIUS_UM, 15.0, 30.0, 60.0, 120.0, np.inf)


@dataclass(frozen=True)
class Count:
    """One group of images. mm2 and mf_per_mm2 are of the images with a scale; None where none has one."""

    name: tuple[str, ...]
    images: int
    missing: int
    unscaled: int
    mf: int
    nmf: int
    mm2: float | None
    mf_per_mm2: float | None


@dataclass(frozen=True)
class Pair:
    """Two annotations of one image that are too close to be two cells. distance in unit, um or px."""

    image: IndexedImage
    first: Annotation
    second: Annotation
    distance: float
    unit: str

    @property
    def contradicts(self) -> bool:
        """Return whether one cell is called both."""
        return self.first.label != self.second.label


@dataclass(frozen=True)
class Extent:
    """The images of one data set and scale. sizes: (width, height) px, each with its number of images."""

    dataset: str
    mpp: Mpp | None
    sizes: list[tuple[tuple[int, int], int]]


@dataclass(frozen=True)
class Distances:
    """Of one data set: to the nearest other annotation of the image, and to the border.

    counts: of each bin between DISTANCE_EDGES_UM; unscaled images count as if they had SUPPOSED_MPP.
    alone: annotations without another one in their image. by_border: within a box of the border.
    """

    dataset: str
    unscaled: bool
    annotations: int
    counts: list[int]
    median: float | None
    alone: int
    by_border: int


def counted(images: Iterable[IndexedImage], key: Callable[[IndexedImage], tuple[str, ...]]) -> list[Count]:
    """Return the counts of each group, sorted by its name."""
    groups: dict[tuple[str, ...], list[IndexedImage]] = defaultdict(list)
    for image in images:
        groups[key(image)].append(image)
    return [_count(name, groups[name]) for name in sorted(groups)]


def _count(name: tuple[str, ...], images: Sequence[IndexedImage]) -> Count:
    scaled = [image for image in images if image.mpp is not None]
    mm2 = sum(area_mm2(image.size, image.mpp) for image in scaled) if scaled else None
    return Count(
        name=name,
        images=len(images),
        missing=sum(image.missing for image in images),
        unscaled=len(images) - len(scaled),
        mf=sum(len(image.places("MF")) for image in images),
        nmf=sum(len(image.places("NMF")) for image in images),
        mm2=mm2,
        mf_per_mm2=sum(len(image.places("MF")) for image in scaled) / mm2 if mm2 else None,
    )


def extents(images: Iterable[IndexedImage]) -> list[Extent]:
    """Return sizes by data set and scale, the most frequent size first."""
    sizes: dict[tuple[str, Mpp | None], Counter[tuple[int, int]]] = defaultdict(Counter)
    for image in images:
        sizes[image.dataset, image.mpp][image.size] += 1
    order = sorted(sizes, key=lambda one: (one[0], one[1] or PIXEL))
    return [Extent(*one, sorted(sizes[one].items(), key=lambda item: (-item[1], item[0]))) for one in order]


def close_pairs(images: Iterable[IndexedImage]) -> list[Pair]:
    """Return the pairs closer than the matching radius, contradictions first, then the closest."""
    pairs = []
    for image in images:
        if len(image.annotations) < 2:
            continue
        mpp, unit = _frame(image)
        xy = _places(image, mpp)
        for a, b in sorted(KDTree(xy).query_pairs(_length(MATCH_RADIUS_UM, unit))):
            distance = float(np.hypot(*(xy[a] - xy[b])))
            if distance < _length(MATCH_RADIUS_UM, unit):
                pairs.append(Pair(image, image.annotations[a], image.annotations[b], distance, unit))
    return sorted(pairs, key=lambda p: (not p.contradicts, p.distance, p.image.dataset, p.image.name))


def distances(images: Iterable[IndexedImage]) -> list[Distances]:
    """Return the distances of each data set that has annotations; its images without a scale apart, in px."""
    groups: dict[tuple[str, bool], list[IndexedImage]] = defaultdict(list)
    for image in images:
        if image.annotations:
            groups[image.dataset, image.mpp is None].append(image)
    return [_distances(dataset, unscaled, groups[dataset, unscaled]) for dataset, unscaled in sorted(groups)]


def _distances(dataset: str, unscaled: bool, images: Sequence[IndexedImage]) -> Distances:
    unit = "px" if unscaled else "um"
    nearest: list[NDArray[np.float64]] = [np.empty(0)]
    border: list[NDArray[np.float64]] = []
    for image in images:
        mpp, _ = _frame(image)
        xy = _places(image, mpp)
        if len(xy) > 1:
            nearest.append(KDTree(xy).query(xy, k=2)[0][:, 1])
        border.append(np.minimum(xy, np.array(image.size) * mpp - xy).min(axis=1))
    near, edge = np.concatenate(nearest), np.concatenate(border)
    edges = [_length(um, unit) for um in DISTANCE_EDGES_UM]
    return Distances(
        dataset=dataset,
        unscaled=unscaled,
        annotations=len(edge),
        counts=np.histogram(near, edges)[0].tolist(),
        median=float(np.median(near)) if len(near) else None,
        alone=len(edge) - len(near),
        by_border=int((edge < _length(BOX_UM, unit)).sum()),
    )


def _frame(image: IndexedImage) -> tuple[Mpp, str]:
    """Return what its px are multiplied with, and the unit that gives."""
    return (PIXEL, "px") if image.mpp is None else (image.mpp, "um")


def _length(um: float, unit: str) -> float:
    """Return a length in the unit; px as if at SUPPOSED_MPP."""
    return um if unit == "um" else um / SUPPOSED_MPP.x


def _places(image: IndexedImage, mpp: Mpp) -> NDArray[np.float64]:
    return image_to_um(np.array([(cell.x, cell.y) for cell in image.annotations], np.float64).reshape(-1, 2), mpp)
