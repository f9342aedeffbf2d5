"""`mitotic-figures.json`: the platform's multiple points, millimetres."""

import json
import math
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from algorithm.atomic import write_bytes
from algorithm.detections import Detections
from algorithm.frames import image_to_platform_mm

FILE_NAME = "mitotic-figures.json"
Name = Literal["mitotic figure", "non-mitotic figure"]
FIGURE: Name = "mitotic figure"
CANDIDATE: Name = "non-mitotic figure"  # the platform's name for what is below the threshold, not an imposter
MM_DECIMALS, PROBABILITY_DECIMALS = 7, 6  # 0.1 nm: far below a pixel, and short

Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Point(_Strict):
    """One place: [x, y, 0] mm in the platform's frame."""

    name: Name
    point: tuple[Finite, Finite, Finite]
    probability: Annotated[float, Field(ge=0, le=1)]


class Version(_Strict):
    """Of the platform's format."""

    major: Literal[1] = 1
    minor: Literal[0] = 0


class MultiplePoints(_Strict):
    """The platform's schema; further keys are refused there too."""

    name: Literal["Points of interest"] = "Points of interest"
    type: Literal["Multiple points"] = "Multiple points"
    points: list[Point]
    version: Version = Version()


def multiple_points(detections: Detections, origin_mm: tuple[float, float]) -> MultiplePoints:
    """Return all detections, figures and candidates by name, in the order of their probability."""
    places_mm = image_to_platform_mm(detections.xy, detections.mpp, origin_mm)
    rows = zip(places_mm.tolist(), detections.probability.tolist(), detections.is_figure.tolist(), strict=True)
    return MultiplePoints(
        points=[
            Point(
                name=FIGURE if figure else CANDIDATE,
                point=(round(x, MM_DECIMALS), round(y, MM_DECIMALS), 0.0),
                probability=_shortened(probability, detections.threshold, figure=figure),
            )
            for (x, y), probability, figure in rows
        ]
    )


def write(path: Path, detections: Detections, origin_mm: tuple[float, float]) -> None:
    """Write the file under a temporary name and rename it. Raises OutputError."""
    payload = multiple_points(detections, origin_mm).model_dump(mode="json")
    write_bytes(path, (json.dumps(payload, indent=1) + "\n").encode())


def _shortened(probability: float, threshold: float, *, figure: bool) -> float:
    """Round without crossing the threshold: who applies it to the file gets the same figures."""
    short = round(probability, PROBABILITY_DECIMALS)
    if (short >= threshold) == figure:
        return short
    steps = 10.0**PROBABILITY_DECIMALS
    return (math.ceil(threshold * steps) - (0 if figure else 1)) / steps
