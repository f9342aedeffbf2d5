"""`evaluate` and `calibrate` from end to end: drawn images, and a bundle whose network finds dark discs."""

import json
import subprocess
import sys

import pytest

from algorithm.bundle import load_bundle, write_bundle
from export.bundle import joined_training
from training.evaluation import command as evaluating
from training.evaluation.calibration import fit

FIGURES = [(70, 60), (200, 110), (330, 230)]
IMPOSTERS = [(110, 220), (320, 70)]
RUN_AS_MODULE = """
import runpy, sys
sys.argv = ["training", *sys.argv[1:]]
try:
    runpy.run_module("training", run_name="__main__")
except SystemExit as end:
    assert not end.code, end.code
print("torch is loaded:", "torch" in sys.modules)
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory, drawn, write_data):
    pictures = [
        drawn("H07_00Aa", (400, 300), FIGURES, IMPOSTERS),
        drawn("H14_00Aa", (400, 300), FIGURES[:1], IMPOSTERS[1:]),
        drawn("H14_00Ab", (400, 300), []),
    ]
    return write_data(tmp_path_factory.mktemp("data") / "discs", pictures)


def groups(path) -> dict:
    return {(one["data"], one["slide"]): one for one in json.loads(path.read_text())["groups"]}


def test_evaluate_scores_a_bundle_by_set_and_slide(command, disc_bundle, data, tmp_path):
    folder = disc_bundle()
    result = command("evaluate", "--bundle", folder, "--data", data, "--json", tmp_path / "scores.json")
    assert result.exit_code == 0, result.output
    assert "discs 1 at probability >= 0.500" in result.output
    assert f"written: {tmp_path}/scores.json, {tmp_path}/scores.png" in result.output
    found = groups(tmp_path / "scores.json")
    # every disc is seen; the grey ones are false positives at this threshold
    assert {key: (one["tp"], one["fp"], one["fn"]) for key, one in found.items()} == {
        ("all", ""): (4, 3, 0), ("discs", ""): (4, 3, 0), ("discs", "H07"): (3, 2, 0), ("discs", "H14"): (1, 1, 0),
    }  # fmt: skip
    assert found["all", ""]["ap"] == pytest.approx(1.0)  # and yet they come last
    assert json.loads((tmp_path / "scores.json").read_text())["bundle_hash"] == load_bundle(folder).hash


def test_evaluate_takes_some_slides_only(command, disc_bundle, data, tmp_path):
    path = tmp_path / "scores.json"
    result = command("evaluate", "--bundle", disc_bundle(), "--data", data, "--slides", "H14", "--json", path)
    assert result.exit_code == 0, result.output
    assert set(groups(path)) == {("all", ""), ("discs", ""), ("discs", "H14")}


def test_slide_that_is_not_there_ends_with_code_2(command, disc_bundle, data):
    result = command("evaluate", "--bundle", disc_bundle(), "--data", data, "--slides", "H99")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: no image of slide(s) H99 in the data")


def test_missing_bundle_ends_with_code_3_and_missing_data_with_2(command, disc_bundle, data, tmp_path):
    result = command("evaluate", "--bundle", tmp_path, "--data", data)
    assert (result.exit_code, result.stderr.count("\n")) == (3, 1)
    result = command("evaluate", "--bundle", disc_bundle(), "--data", tmp_path / "absent")
    assert (result.exit_code, result.stderr) == (2, f"error: {tmp_path}/absent: no such folder\n")


def test_more_members_than_there_are_is_refused(command, disc_bundle, data):
    result = command("evaluate", "--bundle", disc_bundle(), "--data", data, "--members", 2)
    assert result.exit_code == 2
    assert "2 members asked for, the bundle in " in result.stderr


def test_calibrate_writes_probabilities_and_a_threshold_that_separates(command, disc_bundle, data, tmp_path):
    folder = disc_bundle()
    before = load_bundle(folder)
    result = command("calibrate", "--bundle", folder, "--data", data)
    assert result.exit_code == 0, result.output
    assert "F1 1.000 on the images themselves\nfitted on discs: slides H07, H14; written to" in result.output
    after = load_bundle(folder)
    assert after.facts.calibration != before.facts.calibration
    assert after.facts.calibration.fitted_on == "discs: slides H07, H14"
    assert after.facts.threshold != before.facts.threshold
    assert after.facts.reporting_threshold <= after.facts.threshold
    assert after.hash != before.hash
    unchanged = {"calibration", "threshold", "reporting_threshold"} ^ set(type(after.facts).model_fields)
    assert all(getattr(after.facts, name) == getattr(before.facts, name) for name in unchanged)
    assert not list(folder.glob("*.part"))
    path = tmp_path / "scores.json"
    assert command("evaluate", "--bundle", folder, "--data", data, "--json", path).exit_code == 0
    assert groups(path)["all", ""]["f1"] == 1


def test_threshold_is_for_tissue_with_as_many_figures_as_were_named(command, disc_bundle, data, monkeypatch):
    """Discs are told perfectly, at any threshold: what `fit` was asked for is looked at instead."""
    asked = []
    monkeypatch.setattr(evaluating, "fit", lambda *images, **more: asked.append(more) or fit(*images, **more))
    folder = disc_bundle()
    for words in ([], ["--per-mm2", 1.5]):
        assert command("calibrate", "--bundle", folder, "--data", data, *words).exit_code == 0
    assert [more["per_mm2"] for more in asked] == [None, 1.5]
    meant = "discs: slides H07, H14; the threshold for 1.5 figures a mm2"
    assert load_bundle(folder).facts.calibration.fitted_on == meant


@pytest.mark.parametrize("density", ["0", "nan", "inf"])
def test_no_density_is_refused(command, disc_bundle, data, density):
    folder = disc_bundle()
    before = (folder / "bundle.yaml").read_bytes()
    assert command("calibrate", "--bundle", folder, "--data", data, "--per-mm2", density).exit_code == 2
    assert (folder / "bundle.yaml").read_bytes() == before


def test_calibrating_twice_changes_nothing_more(command, disc_bundle, data):
    folder = disc_bundle()
    contents = []
    for _ in range(2):
        assert command("calibrate", "--bundle", folder, "--data", data).exit_code == 0
        contents.append((folder / "bundle.yaml").read_bytes())
    assert contents[0] == contents[1]


def test_bundle_is_not_calibrated_on_slides_it_was_trained_on(command, disc_bundle, data):
    folder = disc_bundle()
    facts = load_bundle(folder).facts
    write_bundle(folder, facts.model_copy(update={"training": {"slides": ["H05", "H07"]}}))
    result = command("calibrate", "--bundle", folder, "--data", data)
    assert result.exit_code == 2
    assert result.stderr == f"error: {folder} was trained on slide(s) H07; name others with --slides\n"
    assert load_bundle(folder).facts.threshold == facts.threshold
    assert command("calibrate", "--bundle", folder, "--data", data, "--slides", "H14").exit_code == 0


def test_bundle_is_not_calibrated_on_a_glass_that_it_was_trained_on_under_another_name(command, disc_bundle, data):
    folder = disc_bundle()
    facts = load_bundle(folder).facts
    trained = {"slides": ["A07"], "glasses": ["A07", "H07"]}
    write_bundle(folder, facts.model_copy(update={"training": trained}))
    result = command("calibrate", "--bundle", folder, "--data", data)
    assert result.exit_code == 2
    assert result.stderr == f"error: {folder} was trained on slide(s) H07; name others with --slides\n"


@pytest.fixture
def two_folds(two_members):
    """A bundle of two members, either of which was trained on one of the two slides."""
    return two_members([{"slides": ["H07"]}, {"slides": ["H14"], "glasses": ["H14"]}])


def test_each_slide_is_calibrated_by_the_members_that_did_not_see_it(command, two_folds, data, tmp_path):
    result = command("calibrate", "--bundle", two_folds, "--data", data)
    assert result.exit_code == 0, result.output
    assert load_bundle(two_folds).facts.calibration.fitted_on == (
        "discs: slides H07, H14, each by the members that did not see it"
    )
    path = tmp_path / "scores.json"
    result = command("evaluate", "--bundle", two_folds, "--data", data, "--out-of-fold", "--json", path)
    assert result.exit_code == 0, result.output
    assert groups(path)["all", ""]["f1"] == 1


def test_slide_that_all_members_saw_is_not_scored_out_of_fold(command, two_folds, data):
    facts = load_bundle(two_folds).facts
    both = [{"slides": ["H07"]}, {"slides": ["H07", "H14"]}]
    write_bundle(two_folds, facts.model_copy(update={"training": joined_training(both)}))
    for words in (["calibrate"], ["evaluate", "--out-of-fold"]):
        result = command(*words, "--bundle", two_folds, "--data", data)
        assert result.exit_code == 2
        assert result.stderr == f"error: {two_folds} was trained on slide(s) H07; name others with --slides\n"
    assert command("evaluate", "--bundle", two_folds, "--data", data).exit_code == 0


def test_members_cannot_be_chosen_twice(command, two_folds, data):
    result = command("evaluate", "--bundle", two_folds, "--data", data, "--out-of-fold", "--members", 1)
    assert (result.exit_code, "leave out --members" in result.stderr) == (2, True)


def test_plot_never_replaces_the_report(command, disc_bundle, data, tmp_path):
    result = command("evaluate", "--bundle", disc_bundle(), "--data", data, "--json", tmp_path / "scores.png")
    assert result.exit_code == 5
    assert "the plot goes there; name the report .json" in result.stderr


def test_data_that_cannot_calibrate_leave_the_bundle_as_it_was(command, disc_bundle, drawn, write_data, tmp_path):
    folder = disc_bundle()
    before = (folder / "bundle.yaml").read_bytes()
    empty = write_data(tmp_path / "empty", [drawn("H07_00Aa", (300, 280), [])])
    result = command("calibrate", "--bundle", folder, "--data", empty)
    assert result.exit_code == 2
    assert "0 detections, 0 of them figures: both kinds are needed to calibrate" in result.stderr
    assert (folder / "bundle.yaml").read_bytes() == before


def test_evaluate_never_loads_torch(disc_bundle, data, configs):
    arguments = ["evaluate", "--bundle", str(disc_bundle()), "--data", str(data), "--slides", "H14"]
    ended = subprocess.run(
        [sys.executable, "-c", RUN_AS_MODULE, *arguments], cwd=configs.parents[1], capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    assert "matched within 7.5 um" in ended.stdout
    assert ended.stdout.endswith("torch is loaded: False\n")
