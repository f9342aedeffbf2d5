"""`mitotic-figures.csv`: one line a detection, for spreadsheets and scripts."""

import csv
import io
from pathlib import Path

from algorithm.atomic import write_bytes
from algorithm.detections import Detections
from algorithm.frames import image_to_um

FILE_NAME = "mitotic-figures.csv"
COLUMNS = (
    "label", "x_px", "y_px", "x_um", "y_um", "probability", "score",
    "box_x1_px", "box_y1_px", "box_x2_px", "box_y2_px",
)  # fmt: skip


def write(path: Path, detections: Detections) -> None:
    """Write all detections, most probable first; places from the image's top left corner. Raises OutputError."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    places_um = image_to_um(detections.xy, detections.mpp)
    for n, figure in enumerate(detections.is_figure.tolist()):
        lengths = [*detections.xy[n], *places_um[n]]
        row = ["figure" if figure else "candidate", *(f"{value:.2f}" for value in lengths)]
        row += [f"{detections.probability[n]:.6f}", f"{detections.score[n]:.6f}"]
        writer.writerow(row + [f"{value:.2f}" for value in detections.box[n].tolist()])
    write_bytes(path, text.getvalue().encode())
