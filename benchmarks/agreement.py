"""Are figures that are missed, and cells that are taken for one, those that the contest's pathologists were unsure of?

    python -m benchmarks.agreement --bundle model --data ../shared/data/mitos14 \\
        --votes ../shared/data/annotations/mitos14_aperio_points.csv

MITOS-ATYPIA-14 gives a confidence with each cell: 1, 0.8 or 0.65 with what counts as a figure, 0.2 or 0 with what does
not. --votes is its Aperio tables merged into one (columns frame, label, x, y, confidence); frames of the other scanner
show the same tissue and are laid over it by the figures of both. Each slide by the members that never saw it.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from algorithm.bundle import load_bundle
from algorithm.detector import Options
from algorithm.frames import image_to_um
from benchmarks import chosen
from training.evaluation.calibration import matches
from training.evaluation.predictions import Predicted
from training.evaluation.scores import MATCH_RADIUS_UM
from training.evaluation.unseen import predict_unseen
from training.importers.glass import CONTEST_FRAME
from training.importers.mitos14 import MPP_BY_SCANNER
from training.importers.tables import read_rows
from training.index import DataError, IndexedImage

COLUMNS = ("frame", "label", "x", "y", "confidence")
FARTHEST_UM = 30.0  # that two scans of one frame lie apart
ALIKE_UM = 5.0  # two scans of one figure, once laid over each other
SURE = 0.8  # a confidence between 0 and this is of a cell that the pathologists were unsure of, a figure or not
UNMARKED, DOUBLE = "not annotated", "beside a figure"


@dataclass(frozen=True, eq=False)
class Votes:
    """The annotated cells of a frame on Aperio: um (n, 2), whether each is a figure, and its confidence (n,)."""

    um: NDArray[np.float64]
    figure: NDArray[np.bool_]
    confidence: NDArray[np.float64]


@dataclass(frozen=True)
class Tally:
    """How many cells, by their confidence: figures found and missed, false detections, and others annotated there."""

    found: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    false: Counter[str] = field(default_factory=Counter)
    others: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Part:
    """An image of a frame: what is there and what was said. corner_um: in the frame; size_um: width and height."""

    predicted: Predicted
    corner_um: NDArray[np.float64]
    size_um: NDArray[np.float64]


def main() -> None:
    """Print a table of figures and one of other cells, and F1 with and without those that were unsure."""
    options = chosen.of_unseen(__doc__, files=["votes"])
    bundle, votes, images = load_bundle(options.bundle), read_votes(options.votes), chosen.images_of(options)
    predicted = predict_unseen(bundle, images, Options(precision=options.precision))
    frames = frames_of(images, predicted)
    laid = laid_over(frames, votes)
    tally = tallied(frames, laid, bundle.facts.threshold)
    print(f"{len(laid)} of {len(frames)} frames\n")
    print("| figures, confidence | annotated | found | share |\n| --- | ---: | ---: | ---: |")
    for kind in sorted({*tally.found, *tally.missed}, reverse=True):
        print(line(kind, tally.found[kind] + tally.missed[kind], tally.found[kind]))
    print("\n| other cells, confidence | annotated | taken for a figure | share |\n| --- | ---: | ---: | ---: |")
    for kind in sorted({*tally.others, *tally.false}):
        print(line(kind, tally.others[kind], tally.false[kind]))
    sure = f1(tally, without=unsure(tally))
    print(f"\nF1 {f1(tally):.3f}; {sure:.3f} where cells of a confidence above 0 and below {SURE} do not count")


def line(kind: str, annotated: int, reported: int) -> str:
    """Return a line of either table; of cells that nobody annotated there is no share."""
    there = f"{annotated} | {reported} | {reported / annotated:.3f}" if annotated else f"- | {reported} | -"
    return f"| {kind} | {there} |"


def read_votes(path: Path) -> dict[str, Votes]:
    """Return the annotated cells of each frame, by its name without the scanner. Raises DataError."""
    rows = defaultdict(list)
    for row in read_rows(path, COLUMNS):
        frame, label, confidence = row.text("frame"), row.text("label"), row.number("confidence")
        if placed(frame) != (frame, (0, 0)) or frame[0] != "A":
            raise DataError(f"{row.where}: {frame!r} is no frame of the Aperio scanner")
        if label not in ("MF", "NMF") or not 0 <= confidence <= 1:
            raise DataError(f"{row.where}: {label} with confidence {confidence:g}; MF or NMF, and 0 to 1, are known")
        rows[frame[1:]].append((row.number("x"), row.number("y"), label == "MF", confidence))
    return {
        frame: Votes(
            image_to_um(np.array([cell[:2] for cell in cells], float), MPP_BY_SCANNER["A"]),
            np.array([cell[2] for cell in cells]),
            np.array([cell[3] for cell in cells]),
        )
        for frame, cells in rows.items()
    }


def frames_of(images: Sequence[IndexedImage], predicted: Sequence[Predicted]) -> dict[str, list[Part]]:
    """Return the images of each frame of the contest, by its name; no others."""
    frames: dict[str, list[Part]] = defaultdict(list)
    for image, found in zip(images, predicted, strict=True):
        frame, corner_px = placed(image.name)
        if frame:
            corner_um, size_um = (image_to_um(np.array(px, float), image.mpp) for px in (corner_px, image.size))
            frames[frame].append(Part(found, corner_um, size_um))
    return frames


def placed(name: str) -> tuple[str, tuple[int, int]]:
    """Return an image's frame and its corner there in px, as in H03_00Aa_x640_y16; "" for no frame of the contest."""
    stem = Path(name).stem
    found = CONTEST_FRAME.match(stem)
    if found is None or not found["quadrant"]:  # ICPR 2012, whose numbers go on here, has no quadrants
        return "", (0, 0)
    frame, _, corner = stem.partition("_x")
    left, _, top = corner.partition("_y")
    return frame, (int(left or 0), int(top or 0))


def laid_over(frames: Mapping[str, Sequence[Part]], votes: Mapping[str, Votes]) -> dict[str, Votes]:
    """Return the votes of each frame at the places where they lie in the frame.

    Frames without votes, or without a figure by which to lay the two scans over each other, are left out. Raises
    DataError where nothing is left.
    """
    laid = {}
    for frame, parts in frames.items():
        of_frame = votes.get(frame[1:])  # both scanners use one number
        figures = np.concatenate([part.predicted.truth_um + part.corner_um for part in parts])
        moved = None if of_frame is None else shift(figures, of_frame)
        if moved is not None:
            laid[frame] = replace(of_frame, um=of_frame.um + moved)
    if not laid:
        raise DataError("no figure in these images that the votes know: name frames of MITOS-ATYPIA-14")
    return laid


def tallied(frames: Mapping[str, Sequence[Part]], laid: Mapping[str, Votes], threshold: float) -> Tally:
    """Return what is found, missed and false at a threshold in the frames that the votes were laid over."""
    tally = Tally()
    for frame, votes in laid.items():
        for part in frames[frame]:
            _add(part, replace(votes, um=votes.um - part.corner_um), threshold, to=tally)
    return tally


def shift(figures_um: NDArray[np.float64], votes: Votes) -> NDArray[np.float64] | None:
    """Return what to add to the votes' places so that most figures (n, 2) lie on one of them; None if none does."""
    apart = figures_um[:, None] - votes.um[votes.figure][None]
    tried = apart[np.hypot(*np.moveaxis(apart, 2, 0)) < FARTHEST_UM]
    if not len(tried):
        return None
    rests = np.stack([_nearest(apart - one)[1] for one in tried])
    best = tried[(rests < ALIKE_UM).sum(axis=1).argmax()]
    which, rest = _nearest(apart - best)
    return np.median(apart[np.arange(len(apart)), which][rest < ALIKE_UM], axis=0)


def _nearest(apart: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return for each row of differences (n, m, 2) the nearest of m and how far it is."""
    far = np.hypot(*np.moveaxis(apart, 2, 0))
    return far.argmin(axis=1), far.min(axis=1)


def _add(part: Part, votes: Votes, threshold: float, *, to: Tally) -> None:
    """Count an image's cells; the votes' places are in the image."""
    image = part.predicted
    claimed, figure = image.probability >= np.float32(threshold), matches(image)  # as `scores.counts` claims
    hit = set(figure[claimed & (figure >= 0)])
    for number, place in enumerate(image.truth_um):
        (to.found if number in hit else to.missed)[_confidence(place, votes, of=votes.figure) or UNMARKED] += 1
    for place in image.found_um[claimed & (figure < 0)]:
        to.false[_false_kind(place, image, votes)] += 1
    within = ((votes.um >= 0) & (votes.um <= part.size_um)).all(axis=1)
    to.others.update(f"{confidence:g}" for confidence in votes.confidence[within & ~votes.figure])


def _false_kind(place: NDArray[np.float64], image: Predicted, votes: Votes) -> str:
    """Return the confidence of the cell at a false detection; without one, whether it is a figure's second."""
    confidence = _confidence(place, votes, of=~votes.figure)
    figures = np.concatenate([image.truth_um, votes.um[votes.figure]])
    beside = (np.hypot(*(figures - place).T) <= MATCH_RADIUS_UM).any()
    return confidence or (DOUBLE if beside else UNMARKED)


def _confidence(place: NDArray[np.float64], votes: Votes, *, of: NDArray[np.bool_]) -> str:
    """Return the confidence of the nearest of these cells as text, "" where none is within a match."""
    far = np.where(of, np.hypot(*(votes.um - place).T), np.inf)
    return f"{votes.confidence[far.argmin()]:g}" if far.min() <= MATCH_RADIUS_UM else ""


def unsure(tally: Tally) -> set[str]:
    """Return the kinds of which the pathologists were not sure, figures or not."""
    kinds = {*tally.found, *tally.missed, *tally.false} - {UNMARKED, DOUBLE}
    return {kind for kind in kinds if 0 < float(kind) < SURE}


def f1(tally: Tally, *, without: Set[str] = frozenset()) -> float:
    """Return F1 over all kinds but some."""
    found, missed, false = (
        sum(count for kind, count in counted.items() if kind not in without)
        for counted in (tally.found, tally.missed, tally.false)
    )
    return 2 * found / max(2 * found + missed + false, 1)


if __name__ == "__main__":
    main()
