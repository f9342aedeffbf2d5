"""One bad file voids a whole evaluation: a result that can be had is valid, and what it lacks is said."""

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from click.testing import CliRunner

from algorithm.cli import main
from algorithm.grand_challenge import bounds

FOLDER = "images/histopathology-roi-cropout"
NAME = "mitotic-figures.json"
SIZE = (256, 512)
TILE = 128


@pytest.fixture
def image(case) -> Path:
    return case / "input" / FOLDER / "0f.tif"


@pytest.fixture
def run(case, tiny_bundle):
    """Return a function that runs the case; it gives click's result."""

    def called(*more):
        folders = ["--input", case / "input", "--output", case / "output", "--model", tiny_bundle]
        options = ["--precision", "f32", "--threads", 1, *more]
        return CliRunner().invoke(main, [str(part) for part in ["run", *folders, *options]])

    return called


@pytest.fixture
def damaged(image, draw, figure):
    """A tiled JPEG TIFF with a figure in its first and in its last tile, of which the last is no JPEG any more."""
    pixels = draw(SIZE, [figure(64, 64), figure(192, 448)])
    facts = {"tile": (TILE, TILE), "compression": "jpeg", "resolution": (20000, 20000), "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(image, pixels, photometric="rgb", **facts)
    with tifffile.TiffFile(image) as tiff:
        start, length = tiff.pages[0].dataoffsets[-1], tiff.pages[0].databytecounts[-1]
    content = bytearray(image.read_bytes())
    content[start : start + length] = b"\0" * length
    image.write_bytes(content)
    return image


def accepted(path: Path) -> list[dict]:
    """Assert what the organisers' evaluation asks of a file, written anew from its rules; return the points."""
    result = json.loads(path.read_text(), parse_constant=lambda text: pytest.fail(f"{text} is no JSON"))
    assert set(result) == {"name", "type", "points", "version"}
    assert (result["type"], result["version"]) == ("Multiple points", {"major": 1, "minor": 0})
    for point in result["points"]:
        assert set(point) == {"name", "point", "probability"}
        assert point["name"] in ("mitotic figure", "non-mitotic figure")
        assert 0 <= point["probability"] <= 1 and len(point["point"]) == 3
        assert all(bounds.LOWEST_MM <= value <= bounds.HIGHEST_MM for value in point["point"][:2])
    return result["points"]


def figures(points: list[dict]) -> int:
    return sum(point["name"] == "mitotic figure" for point in points)


def test_what_can_be_read_of_a_damaged_image_is_used_with_a_loud_warning(case, damaged, run):
    result = run()
    assert result.exit_code == 0, result.output
    assert (
        "WARNING: " in result.stdout
        and "of 0f.tif could not be read, and nothing was looked for there" in result.stdout
    )
    assert figures(accepted(case / "output" / NAME)) == 1


def test_detect_refuses_it_unless_it_is_told(damaged, tmp_path, tiny_bundle):
    command = ["detect", damaged, "--output", tmp_path / "found", "--model", tiny_bundle, "--threads", 1]
    command = [str(part) for part in command]
    refused = CliRunner().invoke(main, command)
    assert refused.exit_code == 2 and not (tmp_path / "found" / "0f").exists()
    told = CliRunner().invoke(main, [*command, "--partial"])
    assert told.exit_code == 0, told.output
    assert figures(json.loads((tmp_path / "found" / "0f" / NAME).read_text())["points"]) == 1


def test_an_image_that_cannot_be_read_at_all_fails_with_the_reason_last(case, image, run):
    image.write_bytes(b"II*\0" + b"\0" * 100)
    result = run()
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith("error: ") and "0f.tif" in result.stderr
    assert list((case / "output").iterdir()) == []


def test_points_that_the_evaluation_refuses_are_warned_of(case, image, run, draw, figure, monkeypatch):
    pixels = draw((SIZE[1], SIZE[0]), [figure(40, 64), figure(480, 64)])
    tifffile.imwrite(image, pixels, resolution=(20000, 20000), resolutionunit="CENTIMETER")
    result = run()
    assert result.exit_code == 0 and "WARNING" not in result.stdout
    accepted(case / "output" / NAME)
    monkeypatch.setattr(bounds, "HIGHEST_MM", 0.1)  # instead of an image of 10 mm
    result = run()
    assert result.exit_code == 0 and "1 of 2 points lie outside of -0.0075 to 0.1 mm" in result.stdout
    assert figures(json.loads((case / "output" / NAME).read_text())["points"]) == 2


def test_when_the_time_is_short_the_result_is_valid_and_says_so(case, image, run, draw, figure, monkeypatch):
    tifffile.imwrite(image, draw(SIZE, [figure(64, 64)]), resolution=(20000, 20000), resolutionunit="CENTIMETER")
    times = iter(np.arange(0, 1e6, 2.0))
    monkeypatch.setattr("algorithm.budget.time.monotonic", lambda: float(next(times)))
    monkeypatch.setattr("algorithm.budget.Budget.__init__.__kwdefaults__", {"clock": lambda: float(next(times))})
    result = run("--views", 8, "--budget", 20)
    assert result.exit_code == 0, result.output
    assert "WARNING: 20 s are too short" in result.stdout
    accepted(case / "output" / NAME)
