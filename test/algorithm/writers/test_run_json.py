"""`run.json`: what ran, with what, how long."""

import json
from dataclasses import replace

import pytest

from algorithm import __version__
from algorithm.errors import OutputError
from algorithm.frames import Mpp
from algorithm.writers import run_json

ROWS = [(10, 20, 0.9), (30, 40, 0.6), (50, 60, 0.2)]


@pytest.fixture
def written(tmp_path, record):
    """Return a function that gives the content of the file for detections."""

    def read(detections, record=record):
        run_json.write(tmp_path / run_json.FILE_NAME, detections, record)
        assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
        return json.loads((tmp_path / "run.json").read_text())

    return read


def test_the_record_holds_all_that_a_result_came_from(written, detections_of):
    facts = written(detections_of(ROWS, mpp=Mpp(0.25, 0.24)))
    assert facts.pop("versions").keys() >= {"python", "numpy", "openvino", "tifffile"}
    assert facts == {
        "image": "a.tif",
        "image_label": "drawn",
        "size_px": [4000, 2000],
        "mpp": [0.25, 0.24],
        "bundle": "tiny 1.0",
        "bundle_hash": "0" * 64,
        "engine": "fake on nowhere",
        "precision": "exact",
        "members": 2,
        "views": [0, 3],
        "version": __version__,
        "threshold": 0.5,
        "figures": 2,
        "candidates": 1,
        "tiles": 6,
        "sheets": 0,
        "passes": 0,
        "passes_given_up": 0,
        "crowded_passes": 1,
        "engine_failures": [],
        "settings": {},
        "seconds": {"detect": 1.235},
    }


def test_nothing_found_is_counted(written, detections_of):
    facts = written(detections_of([]))
    assert (facts["figures"], facts["candidates"]) == (0, 0)


def test_seconds_are_kept_by_stage(written, detections_of, record):
    stages = {"read": 0.5, "detect": 2.0}
    assert written(detections_of(ROWS), replace(record, seconds=stages))["seconds"] == stages


def test_keys_stand_in_order(written, detections_of):
    facts = written(detections_of(ROWS))
    assert list(facts) == sorted(facts)


def test_a_record_that_cannot_be_written_is_said(tmp_path, detections_of, record):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"run.json: cannot be written"):
        run_json.write(tmp_path / "file" / "run.json", detections_of(ROWS), record)
