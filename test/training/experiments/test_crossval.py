"""A cross-validation in seconds: drawn slides, a thin network that trains, predictions that are made up."""

import csv
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import training.experiments.crossval
import training.experiments.scored
from algorithm.bundle import sha256_of
from algorithm.errors import OutputError
from training.evaluation.predictions import beside_truth
from training.experiments.crossval import Plan, crossval
from training.experiments.folds import held_back, read_folds, trained_on
from training.importers import read_folders
from training.index import DataError
from training.mining.network import networks_of_crossval
from training.model import load_checkpoint
from training.settings import Settings, SettingsError, load_settings

SLIDES = ("H03", "H05", "H07", "H11")
PLAN = Plan(count=2)


@pytest.fixture(scope="module")
def data(tmp_path_factory, write_slides) -> Path:
    return write_slides(tmp_path_factory.mktemp("data") / "drawn", SLIDES)


@pytest.fixture(scope="module")
def config(tmp_path_factory, write_config, data) -> Path:
    return write_config(tmp_path_factory.mktemp("config") / "tiny.py", data, [])


@pytest.fixture(scope="module")
def settings(config) -> Settings:
    return load_settings(config)


def made_up(images: Sequence, detector) -> list:
    """Find two of three figures and, less sure, an imposter: a network of three iterations finds nothing."""
    found = []
    for image in images:
        seed = sum(image.name.encode())
        xy = np.array([*image.places("MF")[:2], *image.places("NMF")]) * image.mpp[0]
        score = np.array([0.9, 0.6, 0.5]) - np.random.default_rng(seed).uniform(0, 0.2, 3)
        order = score.argsort()[::-1]
        found.append(beside_truth(image, found_um=xy[order], score=score[order], probability=score[order]))
    return found


@pytest.fixture(scope="module", autouse=True)
def predictions_are_made_up():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training.experiments.scored, "predict", made_up)
        yield


@pytest.fixture
def trainings(monkeypatch) -> list[str]:
    """The folders of the runs that are trained from here on."""
    begun: list[str] = []
    train = training.experiments.scored.train_on

    def noted(settings, images, held, work_dir, pretrained):
        begun.append(work_dir.name)
        train(settings, images, held, work_dir, pretrained)

    monkeypatch.setattr(training.experiments.scored, "train_on", noted)
    return begun


@pytest.fixture(scope="module")
def finished(tmp_path_factory, settings) -> Path:
    folder = tmp_path_factory.mktemp("crossval") / "whole"
    assert crossval(settings, PLAN, folder) is not None
    return folder


@pytest.fixture
def copied(tmp_path, finished) -> Path:
    """The finished cross-validation, to be changed."""
    return Path(shutil.copytree(finished, tmp_path / "copied"))


def everything_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_image_is_predicted_once_by_each_network_that_did_not_see_its_slide(finished, settings):
    images = read_folders(settings.data)
    folds, count = read_folds(finished / "folds.csv", images)
    for name in ("ema-0.005", "ema-0.001", "ensemble"):
        seen = []
        for fold in range(count):
            with (finished / f"fold-{fold}" / f"{name}.csv").open(newline="") as file:
                predicted = {row["image"] for row in csv.DictReader(file)}
            assert predicted == {image.name for image in held_back(images, folds, fold)}
            seen += predicted
        assert sorted(seen) == sorted(image.name for image in images)


def test_a_fold_is_trained_on_no_slide_that_validates_it(finished, settings):
    images = read_folders(settings.data)
    folds, count = read_folds(finished / "folds.csv", images)
    for fold in range(count):
        facts = load_checkpoint(finished / f"fold-{fold}" / "ema-0.001.pth")[1].training
        held = {image.slide for image in held_back(images, folds, fold)}
        assert set(facts["slides"]) == {image.slide for image in trained_on(images, folds, fold)}
        assert set(facts["held_back"]) == held and not held & {*facts["slides"], *facts["glasses"]}


def test_threshold_and_calibration_are_those_of_the_out_of_fold_predictions(finished, settings):
    result = crossval(settings, PLAN, finished)
    pooled = made_up(read_folders(settings.data), None)
    fitted = training.experiments.crossval.fit(pooled, fitted_on="the same")
    # predictions are kept with five digits
    assert result.fit.calibration.slope == pytest.approx(fitted.calibration.slope, rel=1e-2)
    assert result.scores["threshold"] == result.fit.threshold == pytest.approx(fitted.threshold, abs=0.011)
    assert result.scores["groups"][0]["mf"] == 3 * len(SLIDES)
    assert {row["network"] for row in result.networks} == {"ema-0.005", "ema-0.001", "ensemble"}


def test_f1_at_the_threshold_of_the_other_folds(listed):
    """Two folds, one less sure than the other: each is counted by hand at what was fitted on the other."""

    def image(name: str, scores: Sequence[float], figures: Sequence[bool]):
        places = np.array([[100.0 * n, 50.0] for n in range(len(scores))])
        one = beside_truth(
            listed("one", name, 0), found_um=places, score=np.array(scores), probability=np.array(scores)
        )
        return replace(one, truth_um=places[np.array(figures)])

    # overlap in both folds: a separable set has no finite slope
    unsure = image("a", [0.6, 0.5, 0.4, 0.3], [True, True, False, True])
    sure = image("b", [0.9, 0.8, 0.75, 0.7, 0.6], [True, True, False, True, False])
    expected = [0, 0, 0]
    for held, other in ((unsure, sure), (sure, unsure)):
        fitted = training.experiments.crossval.fit([other], fitted_on="other")
        kept = fitted.calibration.probability(held.score) >= fitted.threshold
        truth = np.array([(place == held.truth_um).all(axis=1).any() for place in held.found_um])
        expected[0] += int((kept & truth).sum())
        expected[1] += int((kept & ~truth).sum())
        expected[2] += int((~kept & truth).sum())
    tp, fp, fn = expected
    assert training.experiments.crossval._honest_f1([[unsure], [sure]]) == pytest.approx(2 * tp / (2 * tp + fp + fn))


def test_what_is_done_is_not_done_again(finished, settings, trainings):
    before = everything_in(finished)
    crossval(settings, PLAN, finished)
    assert trainings == [] and everything_in(finished) == before


def test_a_fold_that_was_not_scored_is_taken_up_again_alone(copied, finished, settings, trainings):
    (copied / "fold-1" / "ensemble.csv").unlink()
    assert crossval(settings, PLAN, copied) is not None
    assert trainings == ["fold-1"]
    assert (copied / "fold-1" / "ensemble.csv").read_bytes() == (finished / "fold-1" / "ensemble.csv").read_bytes()


def test_one_fold_alone_leaves_the_others(tmp_path, settings, trainings):
    assert crossval(settings, replace(PLAN, only=1), tmp_path) is None
    assert trainings == ["fold-1"] and not (tmp_path / "fold-0").exists()
    with pytest.raises(SettingsError, match="fold 2: there are 2"):
        crossval(settings, replace(PLAN, only=2), tmp_path)


@pytest.mark.parametrize(
    ("change", "plan", "said"),
    [
        ({"weight_decay": 0.5}, PLAN, "other settings"),
        ({"seed": 3}, PLAN, "other folds|other settings"),
        ({}, Plan(count=4), "other folds"),
    ],
)
def test_another_cross_validation_in_the_same_folder_is_refused(finished, settings, trainings, change, plan, said):
    before = everything_in(finished)
    with pytest.raises(OutputError, match=said):
        crossval(settings.model_copy(update=change), plan, finished)
    assert trainings == [] and everything_in(finished) == before


def test_a_single_run_s_held_back_slides_are_refused(tmp_path, settings):
    with pytest.raises(SettingsError, match="held_back belongs to a single run"):
        crossval(settings.model_copy(update={"held_back": ["H05"]}), PLAN, tmp_path)


def test_weights_that_saw_a_slide_which_validates_are_refused(tmp_path, finished, settings):
    weights = finished / "fold-0" / "ema-0.001.pth"
    with pytest.raises(DataError, match=r"was trained on held-back slide"):
        crossval(settings, replace(PLAN, pretrained=weights), tmp_path)


def test_other_weights_than_the_folds_began_from_are_refused(copied, finished, settings, trainings):
    with pytest.raises(SettingsError, match="began from random weights"):
        crossval(settings, replace(PLAN, pretrained=finished / "fold-0" / "ema-0.001.pth"), copied)
    assert trainings == []


def test_folds_go_on_from_their_own_networks_of_an_earlier_cross_validation(tmp_path, finished, settings, trainings):
    result = crossval(settings, Plan(file=finished / "folds.csv", pretrained=finished), tmp_path)
    assert result is not None and trainings == ["fold-0", "fold-1"]
    for fold in (0, 1):
        facts = load_checkpoint(tmp_path / f"fold-{fold}/ema-0.001.pth")[1].training
        before = finished / f"fold-{fold}" / "ema-0.005.pth"
        assert facts["pretrained"]["sha256"] == sha256_of(before)


def test_an_earlier_cross_validation_with_other_folds_is_refused(tmp_path, finished, settings):
    with (finished / "folds.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    other = [f"{row['dataset']},{row['slide']},{1 - int(row['fold'])}" for row in rows]
    (tmp_path / "other.csv").write_text("\n".join(["dataset,slide,fold", *other]) + "\n")
    with pytest.raises(DataError, match=r"was trained on held-back slide"):
        crossval(settings, Plan(file=tmp_path / "other.csv", pretrained=finished), tmp_path / "work")


def test_an_earlier_cross_validation_that_is_not_done_is_refused(tmp_path, copied, settings):
    (copied / "fold-0" / "ensemble.csv").unlink()
    with pytest.raises(SettingsError, match=r"fold-0: this fold is not done"):
        crossval(settings, Plan(file=copied / "folds.csv", pretrained=copied), tmp_path / "work")


def test_folds_of_a_file_are_taken(tmp_path, settings, finished, trainings):
    rows = [f"drawn,{slide},{fold}" for slide, fold in zip(SLIDES, (0, 0, 1, 2), strict=True)]
    (tmp_path / "mine.csv").write_text("\n".join(["dataset,slide,fold", *rows]) + "\n")
    crossval(settings, Plan(file=tmp_path / "mine.csv", only=2), tmp_path / "work")
    assert load_checkpoint(tmp_path / "work/fold-2/ema-0.001.pth")[1].training["held_back"] == ["H11"]


def test_the_command_writes_the_report_with_its_plot(finished, config, command):
    result = command("crossval", config, "--work-dir", finished, "--folds", 2)
    assert result.exit_code == 0, result.output
    assert "F1 of each fold at the threshold of the other folds" in result.output
    report = json.loads((finished / "crossval.json").read_text())
    assert 0 <= report["honest_f1"] <= 1 and report["calibration"]["fitted_on"].startswith("2-fold")
    assert (finished / "crossval.png").read_bytes().startswith(b"\x89PNG")


def test_the_command_says_that_folds_are_left(tmp_path, config, command):
    result = command("crossval", config, "--work-dir", tmp_path, "--folds", 2, "--only-fold", 0)
    assert result.exit_code == 0 and "other folds are left" in result.output
    assert not (tmp_path / "crossval.json").exists()


def test_mining_takes_for_each_slide_the_networks_that_did_not_see_it(finished, settings):
    images = read_folders(settings.data)
    networks = networks_of_crossval(finished)
    assert networks.slides_seen(images) == []
    for image in images:
        network = networks.of(image)
        assert image.slide in network.training["held_back"] and len(network.detector.engines) == 2
    assert len({networks.of(image).digest for image in images}) == 2
    with pytest.raises(DataError, match="slide H99 of drawn is in no fold"):
        networks.of(replace(images[0], slide="H99"))


def test_mining_wants_a_whole_cross_validation(copied, tmp_path):
    (copied / "fold-1" / "ensemble.csv").unlink()
    with pytest.raises(DataError, match=r"fold-1: this fold is not done"):
        networks_of_crossval(copied)
    with pytest.raises(DataError, match="no cross-validation"):
        networks_of_crossval(tmp_path / "absent")
