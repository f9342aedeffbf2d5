"""The folder of one image: JSON, table, overlay and record, all of them or none."""

from pathlib import Path

from algorithm.atomic import whole_folder
from algorithm.detections import Detections
from algorithm.images import Image
from algorithm.record import RunRecord
from algorithm.writers import overlay, points_json, run_json, table_csv


def write_all(folder: Path, detections: Detections, image: Image, record: RunRecord) -> None:
    """Write every output of one image into its folder, replacing an earlier result. Raises OutputError."""
    with whole_folder(folder) as part:
        points_json.write(part / points_json.FILE_NAME, detections, image.origin_mm)
        table_csv.write(part / table_csv.FILE_NAME, detections)
        overlay.write(part / overlay.FILE_NAME, detections, image)
        run_json.write(part / run_json.FILE_NAME, detections, record)


def is_result(path: Path) -> bool:
    """Return whether a file is a picture that was drawn here: a search for images passes over it."""
    return path.name == overlay.FILE_NAME and (path.parent / points_json.FILE_NAME).is_file()
