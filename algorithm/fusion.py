"""Many boxes of one figure -> one detection. Pure, deterministic, and free of the order of what comes in.

Three steps: `strongest` within one pass over a tile; `average` over the passes (members x views) of a tile;
`strongest` again where tiles were joined. Distances are in micrometres. O(n log n) by k-d tree.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from algorithm.frames import Boxes, Mpp, Points, centres, image_to_um


@dataclass(frozen=True)
class Found:
    """Places that may be figures, n of them. score: (n,) float64 in [0, 1]; box: (n, 4) float32 image px."""

    xy: Points  # (n, 2) image px
    score: NDArray[np.float64]
    box: Boxes

    @classmethod
    def from_boxes(cls, boxes: Boxes, scores: NDArray[np.float32]) -> "Found":
        """Return boxes (n, 4), image px, at their centres."""
        return cls(centres(boxes), scores.astype(np.float64), boxes.astype(np.float32))

    @classmethod
    def joined(cls, parts: Sequence["Found"]) -> "Found":
        """Return all parts as one; nothing in gives nothing out."""
        none = cls.from_boxes(np.empty((0, 4), np.float32), np.empty(0, np.float32))
        every = [none, *parts]
        return cls(
            np.concatenate([part.xy for part in every]),
            np.concatenate([part.score for part in every]),
            np.concatenate([part.box for part in every]),
        )

    def __len__(self) -> int:
        return len(self.score)

    def __getitem__(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> "Found":
        return Found(self.xy[chosen], self.score[chosen], self.box[chosen])

    def order(self) -> NDArray[np.intp]:
        """Return the canonical order: score from high to low, then y, then x, then the box."""
        return np.lexsort((*self.box.T[::-1], self.xy[:, 0], self.xy[:, 1], -self.score))


def strongest(found: Found, *, radius_um: float, mpp: Mpp) -> Found:
    """Keep the best place of each neighbourhood: from high to low, one silences all within radius_um.

    Returns the kept places in canonical order.
    """
    found = found[found.order()]
    if len(found) < 2:
        return found
    tree = cKDTree(image_to_um(found.xy, mpp))
    pairs = np.sort(tree.query_pairs(radius_um, output_type="ndarray"), axis=1)
    kept = np.ones(len(found), bool)
    # sorted by the stronger one: when its turn comes, all that could silence it have had theirs
    for strong, weak in pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))].tolist():
        if kept[strong]:
            kept[weak] = False
    return found[kept]


def average(passes: Sequence[Found], *, radius_um: float, mpp: Mpp) -> Found:
    """Join what several passes saw at one place; scores and places are averaged.

    A pass gives at most one place to a group: the nearest to the group's strongest. A pass that does not see
    it counts as score 0. Returns the groups in canonical order.
    """
    everything = Found.joined(passes)
    if not len(everything):
        return everything
    pass_of = np.repeat(np.arange(len(passes)), [len(one) for one in passes])
    order = everything.order()
    everything, pass_of = everything[order], pass_of[order]
    groups = _groups(image_to_um(everything.xy, mpp), pass_of, radius_um)
    averaged = Found(
        np.array([everything.xy[group].mean(axis=0) for group in groups]),
        np.array([everything.score[group].sum() / len(passes) for group in groups]),
        np.array([everything.box[group].mean(axis=0) for group in groups], np.float32),
    )
    return averaged[averaged.order()]


def _groups(xy_um: Points, pass_of: NDArray[np.intp], radius_um: float) -> list[list[int]]:
    """Return groups of numbers, each with one place of a pass at most; places come strongest first."""
    tree = cKDTree(xy_um)
    free = np.ones(len(xy_um), bool)
    groups = []
    for seed in range(len(xy_um)):
        if not free[seed]:
            continue
        near = [n for n in tree.query_ball_point(xy_um[seed], radius_um) if free[n]]
        distance = np.hypot(*(xy_um[near] - xy_um[seed]).T)
        chosen = {int(pass_of[seed]): seed}
        for _, number in sorted(zip(distance.tolist(), near, strict=True)):
            chosen.setdefault(int(pass_of[number]), number)
        group = sorted(chosen.values())
        free[group] = False
        groups.append(group)
    return groups
