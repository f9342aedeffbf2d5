"""`overlay.png`: the image with figures and candidates marked, so that a person looks before reading numbers."""

from pathlib import Path

import cv2
import numpy as np

from algorithm.atomic import write_bytes
from algorithm.detections import Detections
from algorithm.errors import OutputError
from algorithm.images import Image, Pixels

FILE_NAME = "overlay.png"
LONGER_SIDE_PX = 4000
BAND_MOST_PX = 72  # height of the band below the picture, at most
RING_RADIUS_UM = 14.0  # a figure and the cell around it stay visible inside
SMALLEST_RING_PX = 9.0
CANDIDATE_RADIUS = 0.7  # of a figure's ring
FIGURE_RGB, CANDIDATE_RGB = (0, 230, 64), (255, 196, 0)  # green and amber: nothing in an H&E stain is either
DARK_RGB, LIGHT_RGB = (20, 20, 20), (255, 255, 255)
BAR_LENGTHS_UM = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
FONT = cv2.FONT_HERSHEY_SIMPLEX


def write(path: Path, detections: Detections, image: Image) -> None:
    """Write the picture, longer side at most 4,000 px. Raises OutputError."""
    picture = draw(detections, image)
    encoded, png = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 4])
    if not encoded:
        raise OutputError(f"{path}: the picture could not be encoded as PNG")
    write_bytes(path, png.tobytes())


def draw(detections: Detections, image: Image) -> Pixels:
    """Return the image with rings, and a band below it with counts and a scale bar; at most 4,000 px long.

    Figures are green with their probability, candidates amber and smaller.
    """
    picture = image.thumbnail(LONGER_SIDE_PX - BAND_MOST_PX)
    factor = picture.shape[1] / image.size[0]
    radius = max(SMALLEST_RING_PX, RING_RADIUS_UM / detections.mpp.x * factor)
    line = max(2, round(radius / 12))
    for xy in (detections.candidates.xy * factor).tolist():
        _ring(picture, xy, radius * CANDIDATE_RADIUS, CANDIDATE_RGB, max(1, line // 2))
    figures = detections.figures
    for xy in (figures.xy * factor).tolist():
        _ring(picture, xy, radius, FIGURE_RGB, line)
    for xy, probability in zip((figures.xy * factor).tolist(), figures.probability.tolist(), strict=True):
        _label(picture, f"{probability:.2f}", (xy[0] + 0.8 * radius, xy[1] - 0.8 * radius), max(0.4, radius / 45))
    band = _band(picture.shape[1], detections, um_per_px=detections.mpp.x / factor)
    return np.concatenate([picture, band])


def _ring(picture: Pixels, xy: list[float], radius: float, colour: tuple[int, int, int], line: int) -> None:
    """Draw an anti-aliased ring with a dark rim, so that it shows on any tissue."""
    bits = 3  # OpenCV's fixed point
    centre = tuple(round((value - 0.5) * 2**bits) for value in xy)  # it counts from pixel centres
    for shade, width in ((DARK_RGB, line + 2), (colour, line)):
        cv2.circle(picture, centre, round(radius * 2**bits), shade, width, cv2.LINE_AA, bits)


def _label(picture: Pixels, text: str, at: tuple[float, float], scale: float) -> None:
    """Write a probability with its lower left corner at a place, kept inside the picture."""
    line = max(1, round(scale * 2))
    (width, height), _ = cv2.getTextSize(text, FONT, scale, line)
    x = int(np.clip(at[0], 2, max(2, picture.shape[1] - width - 2)))
    y = int(np.clip(at[1], height + 2, max(height + 2, picture.shape[0] - 2)))
    for shade, thickness in ((DARK_RGB, line + 3), (FIGURE_RGB, line)):
        cv2.putText(picture, text, (x, y), FONT, scale, shade, thickness, cv2.LINE_AA)


def _band(width: int, detections: Detections, *, um_per_px: float) -> Pixels:
    """Return a dark band (height, width, 3) with a scale bar and the counts in their colours; none where too narrow."""
    scale = min(1.4, width / 1500)
    step = round(26 * scale)
    if scale < 0.3:
        return np.empty((0, width, 3), np.uint8)
    band = np.full((2 * step, width, 3), DARK_RGB, np.uint8)
    baseline, line = round(1.35 * step), max(1, round(scale * 2))

    bar_um = max((um for um in BAR_LENGTHS_UM if um / um_per_px <= width / 6), default=BAR_LENGTHS_UM[0])
    end = step + round(bar_um / um_per_px)
    cv2.line(band, (step, step), (end, step), LIGHT_RGB, max(2, step // 6))
    texts = [
        (f"{bar_um} um" if bar_um < 1000 else f"{bar_um / 1000:g} mm", LIGHT_RGB),
        (f"{len(detections.figures)} figures, probability >= {detections.threshold:.2f}", FIGURE_RGB),
        (f"{len(detections.candidates)} candidates below", CANDIDATE_RGB),
    ]
    x = end + step // 2
    for text, colour in texts:
        cv2.putText(band, text, (x, baseline), FONT, scale, colour, line, cv2.LINE_AA)
        x += cv2.getTextSize(text, FONT, scale, line)[0][0] + 2 * step
    return band
