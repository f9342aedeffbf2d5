"""The platform's file, asked by rules of its own: the schema is written out here once more."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithm.errors import OutputError
from algorithm.frames import Mpp
from algorithm.writers import points_json


def read_by_the_platform(text: str) -> list[dict]:
    """Return the points of a file that the platform takes; anything else fails."""
    payload = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no number of JSON"))
    assert set(payload) == {"name", "type", "points", "version"}
    assert payload["name"] == "Points of interest" and payload["type"] == "Multiple points"
    assert payload["version"] == {"major": 1, "minor": 0}
    for point in payload["points"]:
        assert set(point) == {"name", "point", "probability"}
        assert point["name"] in ("mitotic figure", "non-mitotic figure")
        assert len(point["point"]) == 3 and point["point"][2] == 0
        assert all(type(value) is float and math.isfinite(value) for value in point["point"])
        assert type(point["probability"]) is float and 0 <= point["probability"] <= 1
    return payload["points"]


def written(tmp_path, detections, origin_mm=(0.0, 0.0)):
    path = tmp_path / points_json.FILE_NAME
    points_json.write(path, detections, origin_mm)
    return read_by_the_platform(path.read_text())


def test_the_file_has_the_name_that_the_platform_looks_for():
    assert points_json.FILE_NAME == "mitotic-figures.json"


def test_every_detection_is_a_point_and_those_below_the_threshold_have_the_other_name(tmp_path, detections_of):
    points = written(tmp_path, detections_of([(10.5, 20.5, 0.9), (30.5, 40.5, 0.5), (50.5, 60.5, 0.1)]))
    assert [point["name"] for point in points] == ["mitotic figure", "mitotic figure", "non-mitotic figure"]
    assert [point["probability"] for point in points] == [0.9, 0.5, 0.1]
    assert [point["point"] for point in points] == [[0.005, 0.01, 0.0], [0.015, 0.02, 0.0], [0.025, 0.03, 0.0]]


def test_millimetres_follow_the_size_of_a_pixel_and_the_origin(tmp_path, detections_of):
    found = detections_of([(4000.5, 1000.5, 0.9)], mpp=Mpp(0.25, 0.5))
    assert written(tmp_path, found, (1.5, -2.5))[0]["point"] == [2.5, -2.0, 0.0]


def test_no_detection_is_an_empty_list(tmp_path, detections_of):
    assert written(tmp_path, detections_of([])) == []


@given(st.floats(0, 1), st.lists(st.floats(0, 1, width=32), max_size=5), st.lists(st.integers(-3, 3), max_size=5))
def test_rounding_never_crosses_the_threshold(detections_of, threshold, far, near):
    edge = np.float32(threshold)
    close = [float(np.clip(edge + np.float32(step) * np.spacing(edge), 0, 1)) for step in near]
    rows = [(1, 1, probability) for probability in sorted(far + close, reverse=True)]
    found = detections_of(rows, threshold=threshold)
    payload = points_json.multiple_points(found, (0.0, 0.0)).model_dump_json()
    points = read_by_the_platform(payload)
    for point, probability, figure in zip(points, found.probability, found.is_figure, strict=True):
        assert (point["probability"] >= threshold) == figure == (point["name"] == "mitotic figure")
        assert point["probability"] == pytest.approx(float(probability), abs=1.1e-6)


def test_equal_detections_are_equal_bytes(tmp_path, detections_of):
    for name in ("a", "b"):
        points_json.write(tmp_path / name, detections_of([(1 / 3, 2 / 3, 0.7)]), (0.0, 0.0))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_what_cannot_be_written_leaves_nothing(tmp_path, detections_of):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"file/mitotic-figures.json: cannot be written \("):
        points_json.write(tmp_path / "file" / points_json.FILE_NAME, detections_of([]), (0.0, 0.0))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
