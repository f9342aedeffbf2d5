"""`overlay.png`: the image with figures and candidates marked, so that a person looks before reading numbers."""

from pathlib import Path

import cv2
import numpy as np

from algorithm.detections import Detections
from algorithm.errors import OutputError
from algorithm.images import Image, Pixels
from algorithm.writers.atomic import write_bytes

FILE_NAME = "overlay.png"
LONGER_SIDE_PX = 4000
RING_RADIUS_UM = 14.0  # a figure and the cell around it stay visible inside
SMALLEST_RING_PX = 9.0
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
    """Return the image, at most 4,000 px long, with rings: figures green with their probability, candidates amber."""
    picture = image.thumbnail(LONGER_SIDE_PX)
    factor = picture.shape[1] / image.size[0]
    radius = max(SMALLEST_RING_PX, RING_RADIUS_UM / detections.mpp.x * factor)
    line = max(2, round(radius / 12))
    places = detections.xy * factor
    for xy, figure in reversed(list(zip(places.tolist(), detections.is_figure.tolist(), strict=True))):
        _ring(picture, xy, radius if figure else radius * 0.8, FIGURE_RGB if figure else CANDIDATE_RGB, line)
    text_px = max(0.4, radius / 45)
    for xy, probability in zip((detections.figures.xy * factor).tolist(), detections.figures.probability, strict=True):
        _label(picture, f"{probability:.2f}", (xy[0] + radius, xy[1] - radius * 0.6), text_px, FIGURE_RGB)
    _legend(picture, detections, um_per_px=detections.mpp.x / factor)
    return picture


def _ring(picture: Pixels, xy: list[float], radius: float, colour: tuple[int, int, int], line: int) -> None:
    """Draw an anti-aliased ring with a dark rim, so that it shows on any tissue."""
    bits = 3  # OpenCV's fixed point
    centre = tuple(round((value - 0.5) * 2**bits) for value in xy)  # it counts from pixel centres
    for shade, width in ((DARK_RGB, line + 2), (colour, line)):
        cv2.circle(picture, centre, round(radius * 2**bits), shade, width, cv2.LINE_AA, bits)


def _label(picture: Pixels, text: str, at: tuple[float, float], scale: float, colour: tuple[int, int, int]) -> None:
    """Write text at its lower left corner, kept inside the picture."""
    line = max(1, round(scale * 2))
    (width, height), _ = cv2.getTextSize(text, FONT, scale, line)
    x = int(np.clip(at[0], 2, max(2, picture.shape[1] - width - 2)))
    y = int(np.clip(at[1], height + 2, max(height + 2, picture.shape[0] - 2)))
    for shade, thickness in ((DARK_RGB, line + 3), (colour, line)):
        cv2.putText(picture, text, (x, y), FONT, scale, shade, thickness, cv2.LINE_AA)


def _legend(picture: Pixels, detections: Detections, *, um_per_px: float) -> None:
    """Write the counts, what the colours mean, and a scale bar, on a band at the lower left corner."""
    height, width = picture.shape[:2]
    scale = float(np.clip(width / 1800, 0.3, 1.4))
    step = round(34 * scale)
    if height < 5 * step or width < 12 * step:
        return  # a picture that small is all cell
    lines = [
        (f"{len(detections.figures)} figures (probability >= {detections.threshold:.2f})", FIGURE_RGB),
        (f"{len(detections.candidates)} candidates below it", CANDIDATE_RGB),
    ]
    bar_um = max((um for um in BAR_LENGTHS_UM if um / um_per_px <= width / 5), default=BAR_LENGTHS_UM[0])
    bar_px = round(bar_um / um_per_px)
    text_px = max(cv2.getTextSize(text, FONT, scale, 2)[0][0] for text, _ in lines)
    right, top = max(text_px, bar_px) + 2 * step, height - 4 * step
    picture[top:, :right] = (picture[top:, :right] * 0.25).astype(np.uint8)
    for number, (text, colour) in enumerate(lines):
        at = (step // 2, top + (number + 1) * step)
        cv2.putText(picture, text, at, FONT, scale, colour, max(1, round(scale * 2)), cv2.LINE_AA)
    y = height - step // 2
    cv2.line(picture, (step // 2, y), (step // 2 + bar_px, y), LIGHT_RGB, max(2, step // 8))
    label = f"{bar_um} um" if bar_um < 1000 else f"{bar_um / 1000:g} mm"
    cv2.putText(
        picture, label, (step // 2, y - step // 4), FONT, scale * 0.8, LIGHT_RGB, max(1, round(scale)), cv2.LINE_AA
    )
