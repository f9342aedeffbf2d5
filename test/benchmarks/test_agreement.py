"""Cells are told apart by the confidence that the contest gives, with the two scans laid over each other."""

from pathlib import Path

import numpy as np
import pytest

from algorithm.frames import Mpp
from benchmarks import agreement
from benchmarks.agreement import (
    Part,
    Tally,
    Votes,
    f1,
    frames_of,
    laid_over,
    line,
    placed,
    read_votes,
    shift,
    tallied,
    unsure,
)
from training.evaluation.predictions import Predicted
from training.index import DataError, IndexedImage

MOVED = np.array([4.0, -3.0])  # um, the frame against the votes


def counted(parts, votes):
    frames = {"H03_00Aa": parts}
    return tallied(frames, laid_over(frames, {"03_00Aa": votes}), 0.5)


def votes(cells):
    """Return votes of (x, y, is a figure, confidence)."""
    places, figure, confidence = zip(*[((x, y), figure, confidence) for x, y, figure, confidence in cells], strict=True)
    return Votes(np.array(places, float), np.array(figure), np.array(confidence))


def part(truth, found, *, corner=(0.0, 0.0), size=(400.0, 400.0), probability=0.9):
    places = np.array(found, float).reshape(-1, 2)
    said = np.full(len(places), probability)
    image = Predicted(
        "mitos14", "H03", "", "", "H03_00Aa", 1.0, np.array(truth, float).reshape(-1, 2), places, said, said
    )
    return Part(image, np.array(corner), np.array(size))


@pytest.fixture
def frame():
    return votes([(50, 50, True, 1.0), (150, 60, True, 0.65), (80, 200, False, 0.2), (200, 200, False, 0.0)])


def test_scans_are_laid_over_each_other_by_most_of_their_figures(frame):
    rng = np.random.default_rng(0)
    figures = frame.um[frame.figure] + MOVED + rng.normal(0, 0.5, (2, 2))
    stray = np.array([[300.0, 300.0], [70.0, 45.0]])  # no vote there, and one that lies 20 um from a vote
    assert shift(np.concatenate([figures, stray]), frame) == pytest.approx(MOVED, abs=1)


def test_scans_without_a_common_figure_are_not_laid_over_each_other(frame):
    assert shift(np.empty((0, 2)), frame) is None
    assert shift(np.array([[390.0, 390.0]]), frame) is None


def test_figures_and_false_detections_are_counted_by_confidence(frame):
    there = frame.um + MOVED
    found = [there[0], there[2] + 2, there[3], [350, 350]]  # a figure, both imposters, and where nobody marked a cell
    tally = counted([part(there[:2], found)], frame)
    assert dict(tally.found) == {"1": 1} and dict(tally.missed) == {"0.65": 1}
    assert dict(tally.false) == {"0.2": 1, "0": 1, "not annotated": 1}
    assert dict(tally.others) == {"0.2": 1, "0": 1}


def test_a_second_detection_of_a_figure_is_told_from_one_where_nobody_marked_a_cell(frame):
    there = frame.um + MOVED
    tally = counted([part(there[:2], [there[0], there[0] + 3])], frame)
    assert dict(tally.false) == {"beside a figure": 1}
    assert unsure(tally) == {"0.65"}


def test_both_scans_of_a_frame_are_laid_over_the_votes_each_by_its_own_figures(frame):
    frames = {"A03_00Aa": [part(frame.um[:2], [])], "H03_00Aa": [part(frame.um[:2] + MOVED, [])]}
    laid = laid_over(frames, {"03_00Aa": frame})
    assert laid["A03_00Aa"].um == pytest.approx(frame.um)
    assert laid["H03_00Aa"].um == pytest.approx(frame.um + MOVED)


def test_what_is_below_the_threshold_is_not_reported(frame):
    there = frame.um + MOVED
    tally = counted([part(there[:2], there, probability=0.4)], frame)
    assert not tally.found and not tally.false and sum(tally.missed.values()) == 2


def test_windows_of_a_frame_are_laid_over_it_together(frame):
    """The second window holds no figure of its own: where it lies is known by the first one's."""
    there = frame.um + MOVED
    corner = np.array([120.0, 120.0])
    first = part(there[:2], there[:2], size=(200.0, 100.0))
    second = part([], there[3:] - corner, corner=corner, size=(150.0, 150.0))
    tally = counted([first, second], frame)
    assert dict(tally.found) == {"1": 1, "0.65": 1}
    assert dict(tally.false) == {"0": 1}
    assert dict(tally.others) == {"0": 1}  # the other imposter lies in neither window


def test_frames_without_votes_are_refused(frame):
    with pytest.raises(DataError, match="MITOS-ATYPIA-14"):
        laid_over({"H99_00Aa": [part([[50, 50]], [])]}, {"03_00Aa": frame})


def test_a_name_says_frame_and_corner():
    assert placed("H03_02Ac.jpg") == ("H03_02Ac", (0, 0))
    assert placed("H03_00Aa_x640_y16") == ("H03_00Aa", (640, 16))
    assert placed("A03_02.jpg") == ("", (0, 0))
    assert placed("crop.png") == ("", (0, 0))


def test_images_of_a_frame_are_brought_together_and_others_left_out():
    names = ["H03_00Aa_x0_y0", "A03_02", "H03_00Aa_x640_y16"]
    images = [IndexedImage("set", "H03", Path(f"{name}.jpg"), (200, 100), Mpp(0.25, 0.25), ()) for name in names]
    frames = frames_of(images, [part([], []).predicted] * 3)
    assert [one.corner_um.tolist() for one in frames.pop("H03_00Aa")] == [[0, 0], [160, 4]]
    assert not frames


def test_unsure_cells_count_neither_way():
    tally = Tally()
    tally.found.update({"1": 6, "0.65": 2})
    tally.missed.update({"0.8": 1, "0.65": 5})
    tally.false.update({"0.2": 4, "0": 1, "not annotated": 2})
    assert unsure(tally) == {"0.65", "0.2"}
    assert f1(tally) == pytest.approx(16 / (16 + 6 + 7))
    assert f1(tally, without=unsure(tally)) == pytest.approx(12 / (12 + 1 + 3))
    assert f1(Tally()) == 0


def test_cells_that_nobody_annotated_have_no_share():
    assert line("0.2", 4, 3) == "| 0.2 | 4 | 3 | 0.750 |"
    assert line("not annotated", 0, 3) == "| not annotated | - | 3 | - |"


def test_votes_are_read_in_um_and_other_frames_refused(tmp_path: Path):
    path = tmp_path / "points.csv"
    path.write_text("frame,label,x,y,confidence\nA03_00Aa,MF,1000,200,0.65\nA03_00Aa,NMF,10,20,0.2\n")
    read = read_votes(path)["03_00Aa"]
    assert read.um[0] == pytest.approx([1000 * 0.2455, 200 * 0.2455], abs=0.2)
    assert read.figure.tolist() == [True, False] and read.confidence.tolist() == [0.65, 0.2]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("H03_00Aa,MF,1000,200,0.65", "H03_00Aa.*no frame of the Aperio scanner"),
        ("A03_00Aa_x0_y16,MF,1000,200,0.65", "_x0_y16.*no frame"),
        ("A03_00Aa,mf,1000,200,0.65", "mf with confidence 0.65"),
        ("A03_00Aa,MF,1000,200,65", "MF with confidence 65"),
    ],
)
def test_votes_that_are_none_are_refused(tmp_path, row, message):
    path = tmp_path / "points.csv"
    path.write_text(f"frame,label,x,y,confidence\n{row}\n")
    with pytest.raises(DataError, match=rf"line 2: .*{message}"):
        read_votes(path)


def test_tables_are_printed_for_a_bundle(frame, monkeypatch, with_facts, tmp_path, capsys):
    votes = tmp_path / "votes.csv"
    rows = [
        f"A03_00Aa,{'MF' if figure else 'NMF'},{x / 0.2455},{y / 0.2455},{confidence}"
        for (x, y), figure, confidence in zip(frame.um, frame.figure, frame.confidence, strict=True)
    ]
    votes.write_text("\n".join(["frame,label,x,y,confidence", *rows]))
    there = frame.um + MOVED
    image = IndexedImage("mitos14", "H03", Path("H03_00Aa.jpg"), (2000, 2000), Mpp(0.2, 0.2), ())
    monkeypatch.setattr(agreement, "load_bundle", lambda folder: with_facts(threshold=0.5))
    monkeypatch.setattr(agreement, "predict_unseen", lambda *_: [part(there[:2], there[[0, 2]]).predicted])
    monkeypatch.setattr(agreement.chosen, "images_of", lambda options: [image])
    words = ["agreement", "--bundle", str(tmp_path), "--data", str(tmp_path), "--votes", str(votes)]
    monkeypatch.setattr("sys.argv", words)
    agreement.main()
    printed = capsys.readouterr().out
    assert printed.startswith("1 of 1 frames\n")
    assert "| 1 | 1 | 1 | 1.000 |\n| 0.65 | 1 | 0 | 0.000 |\n" in printed
    assert "| 0 | 1 | 0 | 0.000 |\n| 0.2 | 1 | 1 | 1.000 |\n" in printed
    assert "F1 0.500; 1.000 where" in printed
