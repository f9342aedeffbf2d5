"""What the organisers' evaluation takes: one point beyond it loses the whole submission."""

import logging

from algorithm.detections import Detections
from algorithm.frames import image_to_platform_mm

log = logging.getLogger(__name__)

LOWEST_MM, HIGHEST_MM = -0.0075, 10.0  # DeepMicroscopy/MIDOG25_T1_evaluation_docker


def warn_beyond(detections: Detections, origin_mm: tuple[float, float]) -> int:
    """Return how many detections MIDOG's evaluation would refuse, and warn of them.

    They stay in the result: a region of MIDOG is 2 mm wide, so what reaches farther is a slide of another use, or
    an MHA whose origin lies far away, and its figures are what was asked for.
    """
    places_mm = image_to_platform_mm(detections.xy, detections.mpp, origin_mm)
    beyond = int(((places_mm < LOWEST_MM) | (places_mm > HIGHEST_MM)).any(axis=1).sum())
    if beyond:
        log.warning(
            "WARNING: %d of %d points lie outside of %g to %g mm; the evaluation of MIDOG refuses all results for one",
            beyond,
            len(detections),
            LOWEST_MM,
            HIGHEST_MM,
        )
    return beyond
