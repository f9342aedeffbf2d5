"""What lies between the nuclei: nests of tumour cells, collagen, clefts and vessels."""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.spatial import cKDTree

from drawing import noise
from drawing.stains import EOSIN, HAEMATOXYLIN, MPP, Canvas

NEST_UM = 130  # distance between septa
SEPTUM_UM = (3, 17)  # half the width of a septum, least and most
FIBRE_UM = 14  # length over which a collagen fibre is straight


@dataclass(frozen=True)
class Ground:
    """The lie of the land: where stroma and holes are, and which way the fibres run."""

    stroma: np.ndarray  # (height, width) float32: 0 in a nest, 1 in stroma
    inside_um: np.ndarray  # (height, width) float32: depth inside a nest, negative in stroma
    angle: np.ndarray  # (height, width) float32: direction of the fibres, rad
    hole: np.ndarray  # (height, width) float32: 1 in lumen and clefts
    nest: np.ndarray  # (height, width) bool: where tumour cells may lie


def survey(rng: np.random.Generator, shape: noise.Shape) -> Ground:
    """Plan the land: the zero lines of a smooth field are the septa, its far side is broad stroma."""
    field = noise.fractal(rng, shape, coarsest_px=NEST_UM / MPP, finest_px=40, persistence=0.35)
    slope_y, slope_x = np.gradient(cv2.GaussianBlur(field, (0, 0), 12))
    slope = np.hypot(slope_x, slope_y)
    distance_um = np.abs(field) / np.maximum(slope, slope.mean() / 2) * MPP
    width_um = np.interp(noise.smooth(rng, shape, 400), (-1.5, 1.5), SEPTUM_UM)
    broad_um = (1.75 - field) / slope.mean() * MPP
    inside_um = np.minimum(distance_um - width_um, broad_um).astype(np.float32)
    drift = 0.35 * slope.mean()  # without it fibres run in rings around each hilltop, like a fingerprint
    angle = np.arctan2(slope_x + drift, -slope_y) + 0.3 * noise.fractal(rng, shape, coarsest_px=120, finest_px=20)
    stroma = noise.step(-inside_um, 0.7).astype(np.float32)
    hole = _holes(rng, inside_um)
    return Ground(stroma, inside_um, angle.astype(np.float32), hole, nest=(inside_um > 1) & (hole < 0.3))


def _holes(rng: np.random.Generator, inside_um: np.ndarray) -> np.ndarray:
    """Clefts where a nest has shrunk from its septum, and open vessels in the stroma."""
    shape = inside_um.shape
    cleft_um = 1.6 * noise.smooth(rng, shape, 170) - 1.7 + 0.6 * noise.smooth(rng, shape, 24)
    cleft = noise.step(cleft_um - np.abs(inside_um - 0.5), 0.3)
    vessel = noise.fractal(rng, shape, coarsest_px=90, finest_px=20, persistence=0.3)
    lumen = noise.step(vessel - 1.75 + np.minimum(0, -3 - inside_um) * 0.15, 0.05)
    return np.maximum(cleft, lumen).astype(np.float32)


def paint(rng: np.random.Generator, canvas: Canvas, ground: Ground, cells: np.ndarray) -> None:
    """Paint stroma, cytoplasm and holes. cells: (n, 2) float, x and y of the tumour cells' centres, px."""
    fibres = _collagen(rng, ground)
    eosin, blue = _cytoplasm(rng, canvas.shape, cells)
    stroma, tissue = ground.stroma, 1 - ground.hole
    haze = 0.02 * noise.step(noise.smooth(rng, canvas.shape, 30), 0.5)  # glass is not quite empty
    canvas.amounts[..., EOSIN] = (stroma * fibres + (1 - stroma) * eosin) * tissue + haze
    canvas.amounts[..., HAEMATOXYLIN] = (stroma * 0.05 + (1 - stroma) * blue) * tissue + 0.02


def _collagen(rng: np.random.Generator, ground: Ground) -> np.ndarray:
    """Eosin of wavy fibres: noise smeared along the direction of the fibres, with pale slits between them."""
    shape = ground.stroma.shape
    grain = noise.standardised(noise.smooth(rng, shape, 2.2) + 0.7 * noise.smooth(rng, shape, 7))
    fibres = noise.along(grain, ground.angle, length_px=int(FIBRE_UM / MPP))
    fine = noise.fractal(rng, shape, coarsest_px=24, finest_px=2, persistence=0.9)
    density = 0.76 + 0.13 * noise.smooth(rng, shape, 110) + 0.16 * fibres + 0.14 * fine
    slit = noise.step(-fibres - 1.7 + 0.8 * noise.smooth(rng, shape, 70) + 0.3 * fine, 0.18)
    return np.clip(density * (1 - 0.85 * slit), 0.04, 1.5)


def _cytoplasm(rng: np.random.Generator, shape: noise.Shape, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eosin and haematoxylin of foamy cytoplasm: each cell with its own depth, pale seams between some."""
    owner, seam_um = _territories(rng, shape, cells)
    foam = foamy(rng, shape)
    grain = noise.fractal(rng, shape, coarsest_px=10, finest_px=2, persistence=0.9)
    depth = (0.56 + 0.12 * rng.standard_normal(len(cells)))[owner] + 0.09 * noise.smooth(rng, shape, 260)
    foaminess = 0.42 + 0.17 * np.clip(rng.standard_normal(len(cells))[owner] + noise.smooth(rng, shape, 90), -2, 2)
    vacuole = noise.step(noise.fractal(rng, shape, coarsest_px=16, finest_px=8) - 1.7, 0.16)
    gap_um = 0.55 * noise.smooth(rng, shape, 70) + 0.5 * noise.smooth(rng, shape, 300) - 0.35
    open_seam = noise.step(gap_um - seam_um, 0.16)
    wall = np.exp(-((seam_um / 0.45) ** 2)) * (1 - open_seam)
    eosin = depth * (1 + foaminess * (foam - 1)) + 0.10 * grain + 0.22 * wall
    blue = 0.04 + 0.20 * foam + 0.07 * grain + 0.08 * wall
    here = 1 - 0.85 * np.maximum(open_seam, vacuole)
    return np.clip(eosin, 0.05, 1.6) * here, np.clip(blue, 0.01, 1) * here


def foamy(rng: np.random.Generator, shape: noise.Shape) -> np.ndarray:
    """The net of foamy cytoplasm, 1 on average: threads around droplets of 1-2 um."""
    net = 0.5 * noise.ridged(rng, shape, 9) + 0.9 * noise.ridged(rng, shape, 6) + noise.ridged(rng, shape, 4)
    net *= np.clip(1 + 0.35 * noise.fractal(rng, shape, coarsest_px=12, finest_px=3, persistence=0.8), 0.2, 1.8)
    return net / net.mean()


def _territories(rng: np.random.Generator, shape: noise.Shape, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each pixel, its cell's index and the distance (um) to the seam with the next cell.

    A Voronoi diagram of the centres, bent by noise; computed at half size, for speed.
    """
    height, width = (length // 2 for length in shape)
    rows, columns = np.indices((height, width), dtype=np.float32) * 2 + 1
    rows += 5 * noise.smooth(rng, (height, width), 12)
    columns += 5 * noise.smooth(rng, (height, width), 12)
    nearest = cKDTree(cells).query(np.stack([columns, rows], axis=-1), k=2)
    distance, index = np.asarray(nearest[0]), np.asarray(nearest[1])
    size = shape[::-1]
    owner = cv2.resize(index[..., 0].astype(np.int32), size, interpolation=cv2.INTER_NEAREST)
    seam = (distance[..., 1] - distance[..., 0]).astype(np.float32) / 2 * MPP
    return owner, cv2.resize(seam, size, interpolation=cv2.INTER_LINEAR)
