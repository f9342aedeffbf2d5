"""Jitter of the stains, and Macenko's normalisation of them. Both work on optical density, -ln(intensity)."""

import cv2
import numpy as np
from numpy.typing import NDArray

from algorithm.images import Pixels

# Optical density in R, G, B of one unit of haematoxylin, eosin and the rest (DAB), the rows.
# Ruifrok and Johnston 2001; the same numbers as scikit-image's rgb_from_hed.
RGB_FROM_STAINS = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11], [0.27, 0.57, 0.78]])
_STAINS_FROM_RGB = np.linalg.inv(RGB_FROM_STAINS)
_DENSITY = -np.log(np.maximum(np.arange(256), 1) / 255).astype(np.float32)  # of each of the 256 intensities
TISSUE_DENSITY = 0.6  # sum over R, G and B above which all of the shift is added; glass has 0, pale stroma about 0.5

MACENKO_BRIGHTEST = 205  # of a stained pixel: torchstain takes those of density 0.15 and more, of a white of 240
MACENKO_STAINED = 0.02  # of the pixels; with fewer, what it finds is noise
MACENKO_ALIKE = 0.985  # cosine of the angle between the two stains that it finds, from which they are one


def jittered(pixels: Pixels, factor: NDArray[np.float64], shift: NDArray[np.float64]) -> Pixels:
    """Return the patch with each stain's concentration c changed to factor * c + shift; both (3,).

    Tellez et al. 2018, "Whole-slide mitosis detection in H&E breast histology using PHH3 as a reference". The shift
    fades out towards white, so that glass stays glass. Own code: scikit-image's two ways make a float64 picture of the
    stains, which takes two to three times as long (`python -m benchmarks.augment`), and cut negative stains off.
    """
    density = cv2.LUT(pixels, _DENSITY)
    tissue = np.minimum(cv2.transform(density, np.full((1, 3), 1 / TISSUE_DENSITY, np.float32)), 1)
    mixed = np.hstack([(_STAINS_FROM_RGB @ np.diag(factor) @ RGB_FROM_STAINS).T, (shift @ RGB_FROM_STAINS)[:, None]])
    darker = cv2.transform(cv2.merge([density, tissue]), -mixed.astype(np.float32))
    return np.asarray(cv2.convertScaleAbs(cv2.exp(darker, darker), alpha=255), np.uint8)


def normalised(pixels: Pixels) -> Pixels:
    """Return the patch with its two stains turned into Macenko's (2009), or as it is where it has not two."""
    if (pixels.max(axis=2) <= MACENKO_BRIGHTEST).mean() < MACENKO_STAINED:
        return pixels
    from torchstain.numpy.normalizers import NumpyMacenkoNormalizer

    found = NumpyMacenkoNormalizer()
    try:
        with np.errstate(divide="raise", invalid="raise", over="ignore"):
            found.fit(pixels[::2, ::2])
            if found.HERef[:, 0] @ found.HERef[:, 1] > MACENKO_ALIKE:
                return pixels
            # a fresh one has the published stains as its reference, which favour none of the data sets
            return NumpyMacenkoNormalizer().normalize(pixels, stains=False)[0]
    except (np.linalg.LinAlgError, FloatingPointError):
        return pixels
