"""The table for spreadsheets."""

import csv

from algorithm.frames import Mpp
from algorithm.writers import table_csv


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_places_are_in_pixels_and_micrometres_from_the_corner_of_the_image(tmp_path, detections_of):
    path = tmp_path / "a.csv"
    found = detections_of([(100.25, 200.5, 0.9), (10, 20, 0.25)], mpp=Mpp(0.25, 0.5))
    table_csv.write(path, found)
    first, second = rows_of(path)
    assert list(first) == [
        *("label", "x_px", "y_px", "x_um", "y_um", "probability", "score"),
        *("box_x1_px", "box_y1_px", "box_x2_px", "box_y2_px"),
    ]
    assert list(first.values()) == [
        *("figure", "100.25", "200.50", "25.06", "100.25", "0.900000", "0.450000"),
        *("84.25", "184.50", "116.25", "216.50"),
    ]
    assert second["label"] == "candidate"
    assert float(second["y_um"]) == 10.0


def test_no_detection_is_a_table_of_headings(tmp_path, detections_of):
    table_csv.write(tmp_path / "a.csv", detections_of([]))
    assert (tmp_path / "a.csv").read_text() == ",".join(table_csv.COLUMNS) + "\n"
