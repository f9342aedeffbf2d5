"""`mine` from end to end: a bundle whose network takes grey discs for figures, and drawn images that hold them."""

import csv
import json

import PIL.Image
import pytest

from algorithm.bundle import Screen, load_bundle, write_bundle
from algorithm.detector import Detector
from training.importers import read_folder
from training.mining.network import network_of_bundle, unseen_members_of_bundle
from training.model import Facts, build_network, save_checkpoint
from training.settings import load_settings
from training.store import META_NAME, is_index

FIGURES = [(70, 60), (200, 110), (330, 230)]
LOOK_ALIKES = [(110, 220), (320, 70)]
LINE_LEFT_OUT = "H07_00Aa,07,H,110,220"  # the first look-alike of the first image is not annotated


@pytest.fixture
def data(drawn, write_data, tmp_path):
    """Three images, in the first of which one imposter is not annotated; the last holds nothing."""
    pictures = [
        drawn("H07_00Aa", (400, 300), FIGURES, LOOK_ALIKES),
        drawn("H14_00Aa", (400, 300), FIGURES[:1], LOOK_ALIKES),
        drawn("H14_00Ab", (400, 300), []),
    ]
    folder = write_data(tmp_path / "discs", pictures)
    table = (folder / "points.csv").read_text().splitlines(keepends=True)
    (folder / "points.csv").write_text("".join(line for line in table if not line.startswith(LINE_LEFT_OUT)))
    return folder


def test_what_is_wrongly_taken_for_a_figure_becomes_an_imposter(command, disc_bundle, data, tmp_path):
    folder = disc_bundle()
    result = command("mine", "--bundle", folder, "--data", data, "--output", tmp_path / "mined")
    assert result.exit_code == 0, result.output
    assert f"look at {tmp_path}/mined/hardest.png before training" in result.output
    (image,) = read_folder(tmp_path / "mined")
    assert (image.dataset, image.slide, image.name) == ("discs-mined", "H07", "H07_00Aa")
    assert image.places("MF") == FIGURES
    known, new = sorted(image.places("NMF"), reverse=True)
    assert known == LOOK_ALIKES[1]
    assert new == pytest.approx(LOOK_ALIKES[0], abs=4)
    (row,) = csv.DictReader((tmp_path / "mined/mined.csv").read_text().splitlines())
    assert (row["dataset"], row["image"], row["cell"]) == ("discs", "H07_00Aa", "1")
    assert float(row["score"]) == pytest.approx(0.79, abs=0.02)
    PIL.Image.open(tmp_path / "mined/hardest.png").verify()
    counts = {row[1]: row[2:] for row in table_of(result.output)}
    assert counts["H07"][0:1] + counts["H07"][2:7] == ["1", "5", "3", "0", "1", "1"]
    assert counts["H14"][0:1] + counts["H14"][2:7] == ["2", "3", "1", "0", "2", "0"]
    meta = json.loads((tmp_path / "mined" / META_NAME).read_text())["made_from"]
    assert (meta["network"], meta["sha256"]) == ("discs 1", load_bundle(folder).hash)
    assert (meta["threshold"], meta["margin_um"], meta["data"]) == (0.25, 15.0, [str(data)])


def table_of(output: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in output.splitlines() if line.startswith("│")]


def test_the_threshold_is_on_the_raw_score_whatever_the_calibration(command, disc_bundle, data, tmp_path):
    folder = disc_bundle()
    facts = load_bundle(folder).facts
    strict = facts.calibration.model_copy(update={"intercept": -20.0})  # probabilities of nearly 0
    write_bundle(folder, facts.model_copy(update={"calibration": strict}))
    arguments = ["mine", "--bundle", folder, "--data", data, "--slides", "H07"]
    assert command(*arguments, "--threshold", 0.75, "--output", tmp_path / "mined").exit_code == 0
    result = command(*arguments, "--threshold", 0.85, "--output", tmp_path / "none")
    assert result.exit_code == 2
    assert "nothing to mine: 3 detections, all by annotated cells or the border, at or above 0.85 in 1 images; "
    assert not is_index(tmp_path / "none")


def test_a_place_that_a_person_calls_a_figure_is_one(command, disc_bundle, drawn, write_data, tmp_path):
    data = write_data(tmp_path / "discs", [drawn("H07_00Aa", (400, 300), []), drawn("H07_00Ab", (400, 300), [])])
    for name, cells in (("H07_00Aa", LOOK_ALIKES), ("H07_00Ab", LOOK_ALIKES[:1])):
        unlabelled = write_data(tmp_path / "other", [drawn(name, (400, 300), [], cells)])
        (unlabelled / f"{name}.jpg").replace(data / f"{name}.jpg")
    arguments = ["mine", "--bundle", disc_bundle(), "--data", data, "--output", tmp_path / "mined"]
    assert command(*arguments).exit_code == 0
    rows = (tmp_path / "mined/mined.csv").read_text().splitlines(keepends=True)
    assert len(rows) == 4
    chosen = [row for row in rows[1:] if "H07_00Ab" in row or float(row.split(",")[4]) < 200]
    assert len(chosen) == 2
    (tmp_path / "figures.csv").write_text(rows[0] + "".join(chosen))
    (tmp_path / "mined" / META_NAME).unlink()
    assert command(*arguments, "--drop", tmp_path / "figures.csv").exit_code == 0
    (image,) = read_folder(tmp_path / "mined")  # of the other one nothing is left
    assert image.name == "H07_00Aa"
    assert image.places("MF") == [pytest.approx(LOOK_ALIKES[0], abs=4)]
    assert image.places("NMF") == [pytest.approx(LOOK_ALIKES[1], abs=4)]


def test_a_run_that_was_killed_goes_on_with_what_it_found(command, disc_bundle, data, tmp_path, monkeypatch):
    whole, detected = Detector.detect, []

    def counted(self, image, progress=None):
        detected.append(image.path.name)
        if len(detected) == 2:
            raise KeyboardInterrupt
        return whole(self, image, progress)

    monkeypatch.setattr(Detector, "detect", counted)
    arguments = ["mine", "--bundle", disc_bundle(), "--data", data, "--output", tmp_path / "mined"]
    assert command(*arguments).exit_code == 1
    assert not is_index(tmp_path / "mined")
    assert command(*arguments).exit_code == 0
    assert detected == ["H07_00Aa.jpg", "H14_00Aa.jpg", "H14_00Aa.jpg", "H14_00Ab.jpg"]
    (tmp_path / "mined" / META_NAME).unlink()
    assert command(*arguments, "--threshold", 0.5).exit_code == 0  # no second run for another threshold
    assert len(detected) == 4
    (data / "H14_00Ab.jpg").write_bytes((data / "H14_00Aa.jpg").read_bytes())  # but for another picture
    (tmp_path / "mined" / META_NAME).unlink()
    assert command(*arguments).exit_code == 0
    assert detected[4:] == ["H14_00Ab.jpg"]


def test_nothing_found_is_said_and_leaves_no_index(command, disc_bundle, drawn, write_data, tmp_path):
    data = write_data(tmp_path / "discs", [drawn("H07_00Aa", (400, 300), [])])
    result = command("mine", "--bundle", disc_bundle(), "--data", data, "--output", tmp_path / "mined")
    assert result.exit_code == 2
    why = "nothing to mine: no detection at or above 0.25 in 1 images; no index was written"
    assert result.stderr == f"error: {why}\n"
    assert not is_index(tmp_path / "mined")


def test_an_index_is_not_overwritten(command, disc_bundle, data, tmp_path):
    arguments = ["mine", "--bundle", disc_bundle(), "--data", data, "--output", tmp_path / "mined"]
    assert command(*arguments).exit_code == 0
    result = command(*arguments)
    assert result.exit_code == 5
    assert "holds an index already; remove its index.json to mine again (detections are kept)" in result.stderr


def test_slides_that_were_trained_on_are_mined_with_a_warning(command, disc_bundle, data, tmp_path):
    folder = disc_bundle()
    trained = {"slides": ["A07"], "glasses": ["A07", "H07"]}
    write_bundle(folder, load_bundle(folder).facts.model_copy(update={"training": trained}))
    result = command("mine", "--bundle", folder, "--data", data, "--output", tmp_path / "mined")
    assert result.exit_code == 0
    assert result.stderr == "warning: discs 1 was trained on slide(s) H07: there it finds little that is new\n"


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--slides", "H99"], 2, "no image of slide(s) H99 in the data"),
        (["--threshold", 1.5], 2, "1.5 is not in the range 0<=x<=1"),
        (["--threshold", "nan"], 2, "nan is not a finite number"),
        (["--threshold", 0.1], 2, "--threshold 0.1: discs 1 reports no score below 0.2; take 0.2 or more"),
        (["--margin-um", 5], 2, "--margin-um 5: detections within 7.5 um of a figure are that figure"),
        (["--checkpoint", "ema.pth"], 2, "give one of --bundle, --checkpoint and --crossval"),
        (["--drop", "absent.csv"], 2, "absent.csv: cannot be read as a CSV"),
    ],
)
def test_what_cannot_be_mined_is_refused(command, disc_bundle, data, tmp_path, options, code, message):
    result = command("mine", "--bundle", disc_bundle(), "--data", data, "--output", tmp_path / "mined", *options)
    assert result.exit_code == code
    assert message in result.stderr
    assert not is_index(tmp_path / "mined")


def test_something_has_to_mine(command, data, tmp_path):
    result = command("mine", "--data", data, "--output", tmp_path / "mined")
    assert (result.exit_code, "give one of --bundle, --checkpoint and --crossval" in result.stderr) == (2, True)
    result = command("mine", "--checkpoint", tmp_path / "no.pth", "--data", data, "--output", tmp_path / "mined")
    assert (result.exit_code, "no.pth: not an EMA checkpoint" in result.stderr) == (3, True)


def test_each_slide_is_mined_by_the_members_that_did_not_see_it(command, two_members, data, tmp_path):
    folder = two_members([{"slides": ["H07"]}, {"slides": ["H14"]}])
    result = command("mine", "--bundle", folder, "--data", data, "--out-of-fold", "--output", tmp_path / "mined")
    assert result.exit_code == 0, result.output
    assert "was trained on" not in result.stderr
    (image,) = read_folder(tmp_path / "mined")
    assert (image.slide, len(image.places("NMF"))) == ("H07", 2)
    made_from = json.loads((tmp_path / "mined" / META_NAME).read_text())["made_from"]
    assert made_from["network"] == "discs 1, out of fold"
    networks, members = unseen_members_of_bundle(folder), load_bundle(folder).facts.members
    of_slide = {image.slide: networks.of(image) for image in read_folder(data)}
    assert of_slide["H07"].detector.bundle.facts.members == members[1:]
    assert of_slide["H14"].detector.bundle.facts.members == members[:1]
    assert of_slide["H07"].digest != of_slide["H14"].digest  # or the detections of one would be kept as the other's


def test_members_of_several_scales_do_not_mine_together(two_members):
    folder = two_members([{"slides": ["H07"]}, {"slides": ["H14"]}])
    facts = load_bundle(folder).facts
    finer = facts.members[1].model_copy(update={"mpp": facts.mpp / 2})
    screen = Screen(from_score=0.2, again_score=0.3, cell_px=96)
    changes = {"members": [facts.members[0], finer], "ensemble": "screen", "screen": screen}
    write_bundle(folder, facts.model_copy(update=changes))
    detector = network_of_bundle(folder).detector
    assert (detector.ensemble, len(detector.engines), detector.bundle.facts.mpp) == ("full", 1, facts.mpp)


def test_slide_that_all_members_saw_is_not_mined_out_of_fold(command, two_members, data, tmp_path):
    folder = two_members([{"slides": ["H07"]}, {"slides": ["H07", "H14"]}])
    arguments = ["--data", data, "--out-of-fold", "--output", tmp_path / "mined"]
    result = command("mine", "--bundle", folder, *arguments)
    assert result.exit_code == 2
    assert "all members were trained on slide H07; name others by --slides" in result.stderr
    assert not list((tmp_path / "mined").glob("*"))
    result = command("mine", "--checkpoint", tmp_path / "ema.pth", *arguments)
    assert (result.exit_code, "of a --bundle" in result.stderr) == (2, True)


def test_two_data_sets_that_are_one_are_refused_before_the_work(command, disc_bundle, data, tmp_path):
    arguments = ["--data", data, "--data", data, "--output", tmp_path / "mined"]
    result = command("mine", "--bundle", disc_bundle(), *arguments)
    assert result.exit_code == 2
    assert "H07_00Aa is listed twice" in result.stderr
    assert not (tmp_path / "mined").exists()


def test_a_checkpoint_mines_too(command, configs, thin_network, data, tmp_path):
    config = tmp_path / "thin.py"
    config.write_text(f"_base_ = ['{configs / 'cpu_half.py'}']\n{thin_network}")
    model = load_settings(config).model
    network = build_network(model)
    for level in network.bbox_head.rtm_cls:  # an untrained network that calls everything a figure
        level.bias.data.fill_(2.0)
    facts = Facts(0.5, 16.0, ["mitotic figure", "imposter"], "Apache-2.0", model, {"slides": ["H14"]})
    save_checkpoint(tmp_path / "ema.pth", network.state_dict(), facts)
    result = command("mine", "--checkpoint", tmp_path / "ema.pth", "--data", data, "--output", tmp_path / "mined")
    assert result.exit_code == 0, result.output
    assert "warning: ema.pth was trained on slide(s) H14" in result.stderr
    assert {image.dataset for image in read_folder(tmp_path / "mined")} == {"discs-mined"}
    assert json.loads((tmp_path / "mined" / META_NAME).read_text())["made_from"]["network"] == "ema.pth"
