"""Mitotic figures: chromosomes drawn one by one as short thick strokes, in a rounded and cleared cell.

Lengths are in um. The first axis of a figure is its plate, the second its spindle; it is turned at the end.
"""

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np

from drawing import noise
from drawing.stains import MPP, Stamp, grid_um, plain_stamp
from drawing.tissue import foamy

FINE = 8  # strokes are drawn this many times finer than the image, so that arms of 0.7 um have fuzzy edges
HALF_PX = 56  # half the side of a figure's stamp: 14 um, room for a telophase and its two cells
ARM_UM = 0.85  # thickness of a chromosome arm


class Phase(StrEnum):
    """The phases drawn, by the names of the truth file."""

    PROMETAPHASE = "prometaphase"
    METAPHASE_SIDE = "metaphase side"
    METAPHASE_POLAR = "metaphase polar"
    ANAPHASE = "anaphase"
    TELOPHASE = "telophase"


@dataclass(frozen=True)
class Figure:
    """A figure before it is stained: where its chromosomes lie, and the cell around them."""

    strokes: list[np.ndarray]  # each (k, 2) float, um
    lobes_um: list[tuple[float, float]]  # (distance from the centre along the spindle, radius) of the cell
    clear_um: float = 1.0  # width of the pale zone around the chromosomes


def draw(rng: np.random.Generator, phase: Phase) -> list[Stamp]:
    """The figure in a random direction, from below to above: cell, then chromosomes."""
    figure = _PHASES[phase](rng)
    angle = rng.uniform(0, 2 * np.pi)
    density = _chromatin(rng, figure.strokes, angle)
    return [_cell(rng, figure, density, angle), _stained(rng, density)]


def _arm(rng: np.random.Generator, foot: np.ndarray, *, heading: float, reach_um: float) -> np.ndarray:
    """One chromosome arm, (3, 2) um: from its foot in the heading (rad), a little bent."""
    tip = foot + reach_um * np.array([np.cos(heading), np.sin(heading)])
    return np.stack([foot, (foot + tip) / 2 + rng.normal(0, 0.13, 2), tip])


def _plate(
    rng: np.random.Generator, *, length_um: float, arms_um: float, count: int, pull: float = 0.0
) -> list[np.ndarray]:
    """Chromosomes side by side along a plate: each a V whose arms point to either side.

    pull from -1 to 1 points the arms to one side, as in anaphase, where they trail behind.
    """
    bend = rng.normal(0, 0.012)
    strokes = []
    for _ in range(count):
        t = rng.uniform(-0.5, 0.5) * length_um
        foot = np.array([t, bend * t * t * 2 + rng.normal(0, 0.35)])
        for side in (-1, 1):
            towards = pull if rng.random() < abs(pull) else side
            heading = np.sign(towards) * np.pi / 2 + rng.normal(0, 0.55)
            taper = 1 - 0.35 * (2 * t / length_um) ** 2  # the plate is thinner at its ends
            reach_um = arms_um * taper * rng.triangular(0.3, 0.6, 1.5)
            strokes.append(_arm(rng, foot, heading=heading, reach_um=reach_um))
    return strokes


def _metaphase_side(rng: np.random.Generator) -> Figure:
    """The plate from the side: a bar of 10-12 um by 3-4 um."""
    strokes = _plate(rng, length_um=rng.uniform(8.0, 10.5), arms_um=rng.uniform(1.3, 2.1), count=46)
    if rng.random() < 0.4:  # a chromosome that has not reached the plate
        off = np.array([rng.normal(0, 2), rng.choice([-1, 1]) * rng.uniform(2.4, 3.2)])
        strokes.append(off + np.array([[-0.4, 0], [0.0, 0.2], [0.4, 0]]))
    return Figure(strokes, [(0, rng.uniform(7.5, 9.5))])


def _metaphase_polar(rng: np.random.Generator) -> Figure:
    """The plate from the pole: a lumpy ring or rosette."""
    radius_um, squeeze = rng.uniform(2.2, 3.0), rng.uniform(0.75, 1.0)
    thick = rng.uniform(0, 2 * np.pi, size=7)  # a ring is thick in some directions and thin in others
    strokes = []
    for _ in range(52):
        turn = rng.choice(thick) + rng.normal(0, 0.4) if rng.random() < 0.6 else rng.uniform(0, 2 * np.pi)
        out = np.array([np.cos(turn), squeeze * np.sin(turn)])
        foot = out * radius_um * rng.uniform(0.5, 1.2) + rng.normal(0, 0.25, 2)
        strokes.append(_arm(rng, foot, heading=turn + rng.normal(0, 0.9), reach_um=rng.uniform(0.5, 1.7)))
    return Figure(strokes, [(0, rng.uniform(7.5, 9.5))])


def _prometaphase(rng: np.random.Generator) -> Figure:
    """Arms in all directions around a few knots: a clump without order."""
    knots = rng.normal(0, [2.3, 1.6], size=(7, 2))
    strokes = []
    for _ in range(46):
        foot = knots[rng.integers(len(knots))] + rng.normal(0, 0.75, 2)
        heading, reach_um = rng.uniform(0, 2 * np.pi), rng.uniform(1.0, 1.9)
        strokes.append(_arm(rng, foot, heading=heading, reach_um=reach_um))
    return Figure(strokes, [(0, rng.uniform(7.5, 9.0))], clear_um=0.7)


def _daughters(rng: np.random.Generator, *, apart_um: float, length_um: float, pull: float) -> list[np.ndarray]:
    """Two plates, apart_um between them, arms trailing towards the middle."""
    strokes = []
    for side in (-1, 1):
        plate = _plate(rng, length_um=length_um, arms_um=1.35, count=24, pull=-side * pull)
        tilt = rng.normal(0, 0.10)
        turned = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
        drift = np.array([rng.normal(0, 0.3), side * apart_um / 2])
        curl = -side * 0.035  # the ends of a plate hang back
        strokes += [_curled(stroke, curl) @ turned + drift for stroke in plate]
    return strokes


def _curled(stroke: np.ndarray, curl: float) -> np.ndarray:
    """The stroke moved along the spindle by curl times the square of its place on the plate."""
    return stroke + np.stack([np.zeros(len(stroke)), curl * stroke[:, 0] ** 2], axis=1)


def _anaphase(rng: np.random.Generator) -> Figure:
    """Two parallel bars in one long cell."""
    apart_um = rng.uniform(5.0, 8.0)
    strokes = _daughters(rng, apart_um=apart_um, length_um=rng.uniform(6.5, 8.5), pull=0.75)
    return Figure(strokes, [(-apart_um / 3, 7.0), (apart_um / 3, 7.0)])


def _telophase(rng: np.random.Generator) -> Figure:
    """Two short bars far apart; where the two circles of the cell meet lies the furrow."""
    apart_um = rng.uniform(9.5, 12.0)
    strokes = _daughters(rng, apart_um=apart_um, length_um=rng.uniform(5.0, 6.5), pull=0.3)
    return Figure(strokes, [(-apart_um / 2, 5.4), (apart_um / 2, 5.4)], clear_um=0.6)


_PHASES = {
    Phase.PROMETAPHASE: _prometaphase,
    Phase.METAPHASE_SIDE: _metaphase_side,
    Phase.METAPHASE_POLAR: _metaphase_polar,
    Phase.ANAPHASE: _anaphase,
    Phase.TELOPHASE: _telophase,
}


def _chromatin(rng: np.random.Generator, strokes: list[np.ndarray], angle: float) -> np.ndarray:
    """How many arms lie above each other, (2 HALF_PX, 2 HALF_PX) float32; their mean point is in the middle.

    The strokes are drawn fine, then shrunk; each by itself, for drawn together they would not add up.
    """
    side = 2 * HALF_PX * FINE
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    middle = np.mean(np.concatenate(strokes), axis=0)
    total = np.zeros((side, side), np.float32)
    for stroke in strokes:
        points = np.rint(((stroke - middle) @ turn / MPP + HALF_PX) * FINE).astype(np.int32)
        thickness = max(1, round(ARM_UM * rng.uniform(0.6, 1.2) / MPP * FINE))
        left, top = np.maximum(points.min(axis=0) - thickness, 0)
        right, bottom = points.max(axis=0) + thickness + 1
        arm = np.zeros((bottom - top, right - left), np.float32)
        cv2.polylines(arm, [points - (left, top)], isClosed=False, color=1.0, thickness=thickness)
        total[top:bottom, left:right] += arm
    return cv2.resize(total, None, fx=1 / FINE, fy=1 / FINE, interpolation=cv2.INTER_AREA)


def _stained(rng: np.random.Generator, density: np.ndarray) -> Stamp:
    """The chromosomes: nearly black where they are thick, blue at their fuzzy edge."""
    depth, focus_px = rng.uniform(1.95, 2.5), rng.uniform(0.6, 1.2)
    body = 1 - np.exp(-0.9 * cv2.GaussianBlur(density, (0, 0), focus_px))
    uneven = 1 + 0.12 * noise.smooth(rng, density.shape, 6)
    return plain_stamp(np.clip(1.25 * body, 0, 1), depth * uneven * (0.45 + 0.55 * body), 0.25 + 0 * body)


def _cell(rng: np.random.Generator, figure: Figure, density: np.ndarray, angle: float) -> Stamp:
    """The cell: rounded, granular, paler near the chromosomes; a thin edge, in places a cleft outside it."""
    x, y = grid_um(HALF_PX)
    plate = x * np.cos(angle) + y * np.sin(angle)
    spindle = y * np.cos(angle) - x * np.sin(angle)
    wobble = 0.75 * noise.smooth(rng, x.shape, 34)
    depth_um = np.max([r - np.hypot(plate, spindle - s) for s, r in figure.lobes_um], axis=0) + wobble
    clear = cv2.GaussianBlur(np.minimum(density, 1), (0, 0), figure.clear_um / MPP)
    foam = foamy(rng, x.shape)
    grain = noise.fractal(rng, x.shape, coarsest_px=8, finest_px=2, persistence=0.85)
    edge = np.exp(-((depth_um / 0.4) ** 2))
    tone = rng.uniform(0.36, 0.5)
    eosin = tone * (0.5 + 0.5 * foam) * (1 - 0.55 * np.minimum(1.3 * clear, 1)) + 0.08 * grain + 0.3 * edge
    blue = 0.03 + 0.14 * foam + 0.05 * grain + 0.10 * edge
    within = 0.12 + 0.88 * noise.step(depth_um, 0.2)
    halo_um = np.clip(rng.uniform(-1.6, 0.5) + 1.3 * noise.smooth(rng, x.shape, 26), 0, 1.6)
    return plain_stamp(noise.step(depth_um + halo_um, 0.25), blue * within, eosin * within)
