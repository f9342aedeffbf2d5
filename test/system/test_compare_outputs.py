"""compare_outputs.py: what counts as the expected result."""

import importlib.util
import json
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "compare_outputs.py"
THRESHOLDS = [0.5, 0.05]
UM = 0.001  # mm


@pytest.fixture(scope="module")
def differences():
    spec = importlib.util.spec_from_file_location("compare_outputs", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return lambda found, expected: module.differences(found, expected, THRESHOLDS)


def point(x=0.1, y=0.2, probability=0.8, name=None):
    name = name or ("mitotic figure" if probability >= 0.5 else "non-mitotic figure")
    return {"name": name, "point": [x, y, 0.0], "probability": probability}


def output(*points, **changes):
    payload = {"name": "Points of interest", "type": "Multiple points", "version": {"major": 1, "minor": 0}}
    return payload | {"points": list(points)} | changes


EXPECTED = output(point(), point(x=0.3, probability=0.2))


@pytest.mark.parametrize(
    "found",
    [
        EXPECTED,
        output(*reversed(EXPECTED["points"])),
        output(point(x=0.1 + 0.4 * UM, probability=0.785), point(x=0.3, y=0.2 - 0.4 * UM, probability=0.219)),
    ],
)
def test_equal_within_the_tolerance_is_as_expected(differences, found):
    assert differences(found, EXPECTED) == []


def test_nothing_found_where_nothing_is_expected(differences):
    assert differences(output(), output()) == []


def test_a_point_that_moved_is_missing_there_and_unexpected_here(differences):
    said = differences(output(point(x=0.1 + 0.6 * UM), EXPECTED["points"][1]), EXPECTED)
    assert [line.split(":")[0] for line in said] == ["missing", "unexpected"]


def test_another_probability_is_said(differences):
    assert differences(output(point(probability=0.83), EXPECTED["points"][1]), EXPECTED)[0].startswith(
        "probability 0.83"
    )


def test_a_missing_and_an_unexpected_point_are_said(differences):
    assert differences(output(point()), EXPECTED)[0].startswith("missing: ")
    assert differences(output(*EXPECTED["points"], point(y=0.5)), EXPECTED)[0].startswith("unexpected: ")


def test_a_point_counts_once(differences):
    assert differences(output(point(), *EXPECTED["points"]), EXPECTED)[0].startswith("unexpected: ")


def test_next_to_a_threshold_a_name_or_a_presence_may_differ(differences):
    assert differences(output(point(probability=0.495)), output(point(probability=0.51))) == []
    assert differences(output(), output(point(probability=0.06))) == []
    assert differences(output(point(probability=0.055)), output()) == []


def test_another_name_elsewhere_is_said(differences):
    assert differences(output(point(name="non-mitotic figure")), output(point()))[0].startswith("named ")


def test_another_frame_of_the_file_is_said(differences):
    assert differences(output(type="Point"), output()) == ["type: 'Point'"]


def test_the_command_ends_with_1_when_something_differs(tmp_path, tiny_bundle, python):
    for name, payload in (("found", EXPECTED), ("other", output())):
        (tmp_path / name).write_text(json.dumps(payload))
    for found, code in (("found", 0), ("other", 1)):
        result = python(SCRIPT, tmp_path / found, tmp_path / "found", "--model", tiny_bundle)
        assert (result.returncode, result.stderr) == (code, "")
    assert result.stdout.count("missing") == 2
