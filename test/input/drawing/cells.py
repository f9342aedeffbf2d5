"""Cells at rest: the nuclei of tumour and stroma, lymphocytes, red cells."""

from dataclasses import dataclass, replace

import numpy as np

from drawing import noise
from drawing.stains import MPP, Stamp, grid_um, plain_stamp


@dataclass(frozen=True)
class Nucleus:
    """How a nucleus looks. Lengths in um; stains in amounts, as on the canvas."""

    radius_um: float  # of the circle of the same area
    aspect: float = 1.2  # long axis to short axis
    ragged: float = 0.05  # waviness of the outline, share of the radius
    membrane: float = 1.2  # haematoxylin of the rim above the sap
    sap: float = 0.25  # haematoxylin between the chromatin
    clumps: float = 0.7  # haematoxylin of coarse chromatin, and half of that for the threads between
    clump_um: float = 1.1  # distance between clumps
    nucleoli: int = 1
    eosin: float = 0.28
    blur_um: float = 0.22  # softness of the outline: grows out of focus


def interphase(rng: np.random.Generator) -> Nucleus:
    """A tumour nucleus: mostly vesicular with a sharp rim, some dense, some out of focus."""
    radius_um = float(np.clip(rng.normal(4.7, 0.7), 3.4, 6.8))
    aspect = float(rng.uniform(1.05, 1.65))
    pale = Nucleus(
        radius_um,
        aspect,
        ragged=float(rng.uniform(0.02, 0.07)),
        membrane=float(rng.uniform(0.55, 1.35)),
        sap=float(rng.uniform(0.02, 0.35)),
        clumps=float(rng.uniform(0.5, 1.1)),
        nucleoli=int(rng.integers(0, 4)),
        eosin=float(rng.uniform(0.1, 0.35)),
    )
    kind = rng.random()
    if kind < 0.16:
        return replace(pale, membrane=0.35, sap=0.65, clumps=0.45, clump_um=0.8, eosin=0.42)
    if kind < 0.36:
        return replace(pale, membrane=0.28, sap=0.3, clumps=0.3, clump_um=1.8, eosin=0.48, blur_um=0.5, nucleoli=1)
    return pale


def fibroblast(rng: np.random.Generator) -> Nucleus:
    """A long thin nucleus between fibres."""
    return Nucleus(
        float(rng.uniform(2.3, 3.3)),
        float(rng.uniform(2.4, 4.5)),
        ragged=0.05,
        membrane=0.4,
        sap=float(rng.uniform(0.5, 1.0)),
        clumps=0.35,
        clump_um=0.9,
        nucleoli=0,
        eosin=0.4,
    )


def crushed(rng: np.random.Generator) -> Nucleus:
    """A squeezed cell of the stroma: smudged, dark and without detail, as pressure and drying leave them."""
    return Nucleus(
        float(rng.uniform(2.2, 3.6)),
        float(rng.uniform(1.8, 4.0)),
        ragged=0.16,
        membrane=0.1,
        sap=float(rng.uniform(0.7, 1.2)),
        clumps=0.25,
        clump_um=1.6,
        nucleoli=0,
        eosin=0.8,
        blur_um=0.3,
    )


def lymphocyte(rng: np.random.Generator) -> Nucleus:
    """A small round dark nucleus with chromatin in blocks."""
    return Nucleus(
        float(rng.uniform(2.5, 3.4)),
        float(rng.uniform(1.0, 1.3)),
        ragged=0.03,
        membrane=0.45,
        sap=float(rng.uniform(0.9, 1.3)),
        clumps=0.9,
        clump_um=1.2,
        nucleoli=0,
        eosin=0.35,
    )


def draw_nucleus(rng: np.random.Generator, look: Nucleus, angle: float) -> Stamp:
    """The nucleus, its long axis at the angle (rad)."""
    half_px = int(np.ceil(look.radius_um * np.sqrt(look.aspect) * 1.25 / MPP)) + 6
    depth_um, around = depth_below(rng, look, half_px, angle)
    inside = noise.step(depth_um, look.blur_um)
    rim_um = 0.30 + 0.12 * noise.smooth(rng, depth_um.shape, 12)
    rim = np.exp(-(((depth_um - 0.35) / (np.clip(rim_um, 0.15, 1) + look.blur_um / 2)) ** 2))
    texture = noise.fractal(rng, depth_um.shape, coarsest_px=2 * look.clump_um / MPP, finest_px=2)
    threads = noise.ridged(rng, depth_um.shape, 1.6 * look.clump_um / MPP)
    clumps = noise.step(texture - 0.9, 0.25) + 0.5 * threads + 0.12 * texture
    patchy = 1 + 0.35 * noise.smooth(rng, depth_um.shape, 14)
    blue = look.sap + look.membrane * rim * patchy + look.clumps * clumps
    blue += _nucleoli(rng, look, half_px)
    return plain_stamp(inside, blue, look.eosin + 0.06 * texture + 0.1 * around)


def depth_below(rng: np.random.Generator, look: Nucleus, half_px: int, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Depth (um) below the outline, negative outside; and a field that changes slowly over the nucleus."""
    x, y = grid_um(half_px)
    stretch = np.sqrt(look.aspect)
    u = (x * np.cos(angle) + y * np.sin(angle)) / stretch
    v = (y * np.cos(angle) - x * np.sin(angle)) * stretch
    theta = np.arctan2(v, u)
    outline = np.ones_like(theta)
    for wave in range(2, 6):
        outline += look.ragged * rng.standard_normal() / wave * 2 * np.cos(wave * theta + rng.uniform(0, 6.3))
    slow = noise.smooth(rng, x.shape, 20)
    return look.radius_um * outline - np.hypot(u, v), slow


def _nucleoli(rng: np.random.Generator, look: Nucleus, half_px: int) -> np.ndarray:
    """Haematoxylin of the nucleoli: round dark bodies of about 1.5 um."""
    x, y = grid_um(half_px)
    total = np.zeros_like(x)
    for _ in range(look.nucleoli):
        radius_um = rng.uniform(0.5, 1.0)
        cx, cy = rng.normal(0, look.radius_um * 0.3, size=2)
        total += rng.uniform(0.5, 1.0) * noise.step(radius_um - np.hypot(x - cx, y - cy), 0.15)
    return total


def red_cell(rng: np.random.Generator) -> Stamp:
    """An erythrocyte: a bright red disc of 5-6 um, paler in its middle."""
    depth_um, slow = depth_below(rng, Nucleus(rng.uniform(2.5, 3.0), rng.uniform(1.0, 1.4)), 18, rng.uniform(0, 3))
    eosin = 1.0 + 0.12 * slow - 0.25 * noise.step(depth_um - 1.6, 0.4)
    return plain_stamp(noise.step(depth_um, 0.15), 0 * eosin, eosin, rust=0.1)
