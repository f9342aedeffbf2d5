"""Imposters: what is dark and small like a mitotic figure and is none."""

from enum import StrEnum

import numpy as np

from drawing import noise
from drawing.cells import Nucleus, depth_below
from drawing.stains import MPP, Stamp, grid_um, plain_stamp


class Imposter(StrEnum):
    """The imposters labelled in the truth file, by the names used there."""

    PYKNOSIS = "pyknosis"
    APOPTOSIS = "apoptosis"
    LYMPHOCYTE = "lymphocyte"
    PIGMENT = "pigment"


def shrunken(rng: np.random.Generator, *, radius_um: float, bodies: int) -> list[Stamp]:
    """A dying cell, from below to above: halo, bright pink body, smooth dark nucleus or fragments."""
    half_px = int((radius_um + 4) / MPP)
    look = Nucleus(radius_um, rng.uniform(1.0, 1.5), ragged=0.09)
    depth_um, slow = depth_below(rng, look, half_px, rng.uniform(0, 3))
    fine = noise.fractal(rng, depth_um.shape, coarsest_px=10, finest_px=2, persistence=0.8)
    halo_um = np.clip(rng.uniform(-0.5, 1.3) + 0.8 * slow, -1, 2)
    halo = plain_stamp(noise.step(depth_um + halo_um, 0.3), 0.03 + 0 * slow, 0.08 + 0.04 * fine)
    eosin = rng.uniform(0.7, 1.15) + 0.1 * slow + 0.1 * fine
    pink = plain_stamp(noise.step(depth_um, 0.3), rng.uniform(0.15, 0.5) + 0.07 * fine, eosin)
    return [halo, pink, _fragments(rng, half_px, reach_um=radius_um * 0.55, bodies=bodies)]


def _fragments(rng: np.random.Generator, half_px: int, *, reach_um: float, bodies: int) -> Stamp:
    """Smooth round chromatin: one pyknotic ball, or several apoptotic globules of unlike size."""
    x, y = grid_um(half_px)
    x, y = (axis + 0.2 * noise.smooth(rng, x.shape, 8) for axis in (x, y))
    depth_um = np.full_like(x, -99.0)
    for index in range(bodies):
        radius_um = rng.uniform(1.9, 2.5) if bodies == 1 else rng.uniform(0.5, 1.6) / (1 + 0.1 * index)
        away_um = 0 if bodies == 1 else reach_um * np.sqrt(rng.random())
        turn = rng.uniform(0, 2 * np.pi)
        here = np.hypot(x - away_um * np.cos(turn), y - away_um * np.sin(turn))
        depth_um = np.maximum(depth_um, radius_um - here)
    blue = rng.uniform(1.5, 2.1) + 0.2 * noise.smooth(rng, x.shape, 10)
    return plain_stamp(noise.step(depth_um, rng.uniform(0.14, 0.3)), blue, 0.5 + 0 * x)


def pigment(rng: np.random.Generator) -> Stamp:
    """A heap of brown-black grains of 0.3-0.8 um."""
    x, y = grid_um(24)
    cover = np.zeros_like(x)
    for _ in range(int(rng.integers(25, 60))):
        cx, cy = rng.normal(0, 1.1, size=2)
        cover = np.maximum(cover, noise.step(rng.uniform(0.15, 0.4) - np.hypot(x - cx, y - cy), 0.1))
    return plain_stamp(cover, 1.3 + 0 * x, 0 * x, rust=1.3)
