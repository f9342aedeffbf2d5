"""Random fields, the raw material of every texture. All are zero mean, unit deviation, float32."""

import cv2
import numpy as np

Shape = tuple[int, int]  # height, width


def smooth(rng: np.random.Generator, shape: Shape, scale_px: float) -> np.ndarray:
    """Noise whose bumps are about scale_px apart: random values on a coarse grid, interpolated.

    The grid is cut at a random place, so two fields of one scale do not share their grid lines.
    """
    height, width = shape
    rows, columns = (int(np.ceil(length / scale_px)) + 5 for length in shape)
    grid = rng.standard_normal((rows, columns), dtype=np.float32)
    dx, dy = rng.uniform(1, 2, size=2)
    to_grid = np.array([[1 / scale_px, 0, dx], [0, 1 / scale_px, dy]])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return standardised(cv2.warpAffine(grid, to_grid, (width, height), flags=flags))


def fractal(
    rng: np.random.Generator, shape: Shape, *, coarsest_px: float, finest_px: float, persistence: float = 0.6
) -> np.ndarray:
    """Octaves of `smooth` noise, from coarsest to finest, each `persistence` times as strong as the last."""
    total = np.zeros(shape, np.float32)
    scale_px, weight = coarsest_px, 1.0
    while scale_px >= finest_px:
        total += weight * smooth(rng, shape, scale_px)
        scale_px, weight = scale_px / 2, weight * persistence
    return standardised(total)


def ridged(rng: np.random.Generator, shape: Shape, scale_px: float) -> np.ndarray:
    """A net of thin bright ridges, 0 in the meshes and 1 on the ridge: the zero lines of a smooth field."""
    return np.exp(-np.abs(smooth(rng, shape, scale_px)) / 0.45)


def along(field: np.ndarray, angle: np.ndarray, *, length_px: int, step_px: float = 1.5) -> np.ndarray:
    """The field averaged along streamlines of the angle (rad): line integral convolution, for fibres.

    Cabral and Leedom, Imaging vector fields using line integral convolution, SIGGRAPH 1993.
    """
    rows_columns = np.indices(field.shape, dtype=np.float32)
    total = field.copy()
    for sign in (-step_px, step_px):
        y, x = rows_columns[0].copy(), rows_columns[1].copy()
        for _ in range(int(length_px / 2 / step_px)):
            heading = cv2.remap(angle, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
            x += sign * np.cos(heading)
            y += sign * np.sin(heading)
            total += cv2.remap(field, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return standardised(total)


def standardised(field: np.ndarray) -> np.ndarray:
    """The field with mean 0 and deviation 1; a flat one becomes 0."""
    centred = field - field.mean()
    return (centred / max(float(centred.std()), 1e-6)).astype(np.float32)


def step(value: np.ndarray, softness: float) -> np.ndarray:
    """A soft step from 0 (value far below 0) to 1 (far above): the logistic function."""
    return 1 / (1 + np.exp(np.clip(-value / softness, -40, 40)))
