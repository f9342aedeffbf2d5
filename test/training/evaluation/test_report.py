import io
import json

import numpy as np
import PIL.Image
import pytest
from rich.console import Console

from algorithm.errors import OutputError
from training.evaluation.command import write_report
from training.evaluation.report import report, table


@pytest.fixture
def scores(predicted):
    images = [
        predicted([100, 200], [100, 200], [0.9, 0.8], dataset="b", slide="H03"),
        predicted([100], [300], [0.7], dataset="a", slide="H05"),
        predicted([], [], dataset="b", slide="H04"),
        predicted([100], [100, 400], [0.6, 0.3], dataset="b", slide="H03"),
    ]
    return report(images, threshold=0.5, bundle="rtmdet-s 1", bundle_hash="abc")


def group(scores: dict, data: str, slide: str = "") -> dict:
    [found] = [one for one in scores["groups"] if (one["data"], one["slide"]) == (data, slide)]
    return found


def test_groups_are_all_then_each_set_with_its_slides(scores):
    assert [(one["data"], one["slide"]) for one in scores["groups"]] == [
        ("all", ""), ("a", ""), ("a", "H05"), ("b", ""), ("b", "H03"), ("b", "H04"),
    ]  # fmt: skip


def test_each_group_counts_its_own_images(scores):
    def tally(one):
        return one["images"], one["mf"], one["tp"], one["fp"], one["fn"]

    assert tally(group(scores, "all")) == (4, 4, 3, 1, 1)
    assert tally(group(scores, "a")) == tally(group(scores, "a", "H05")) == (1, 1, 0, 1, 1)
    assert tally(group(scores, "b", "H03")) == (2, 3, 3, 0, 0)
    assert tally(group(scores, "b", "H04")) == (1, 0, 0, 0, 0)
    assert group(scores, "all")["area_mm2"] == pytest.approx(2.0)
    assert group(scores, "b", "H03")["f1"] == 1
    assert group(scores, "b", "H03")["best_f1"] == 1


def test_report_names_what_was_scored(scores):
    assert (scores["bundle"], scores["bundle_hash"], scores["threshold"]) == ("rtmdet-s 1", "abc", 0.5)


def test_ap_of_a_slide_without_figures_is_none_as_nan_is_no_json(scores):
    assert group(scores, "b", "H04")["ap"] is None
    assert group(scores, "b", "H03")["ap"] == pytest.approx(1.0)
    assert json.loads(json.dumps(scores, allow_nan=False)) == scores


def test_empty_report_can_be_written_and_shown(tmp_path):
    nothing = report([], threshold=0.5, bundle="x", bundle_hash="")
    write_report(nothing, tmp_path / "scores.json")
    assert table(nothing).row_count == 1


def test_table_has_a_row_for_each_group(scores):
    shown = io.StringIO()
    Console(file=shown, width=180).print(table(scores))
    text = shown.getvalue()
    assert table(scores).row_count == 6
    assert "rtmdet-s 1 at probability >= 0.500, matched within 7.5 um" in text
    assert all(word in text for word in ("H03", "H05", "precision", "fp per mm2", "froc"))
    [row] = [line for line in text.splitlines() if "H04" in line]
    assert " - " in row


def test_json_and_plot_stand_beside_each_other(scores, tmp_path):
    path, picture = write_report(scores, tmp_path / "new" / "scores.json")
    assert json.loads(path.read_text()) == scores
    assert picture == tmp_path / "new" / "scores.png"
    with PIL.Image.open(picture) as opened:
        pixels = np.asarray(opened.convert("RGB"))
    assert pixels.shape[1] > 1000
    assert pixels.shape[0] > 400
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 20  # lines of several colours
    assert 10_000 < picture.stat().st_size < 500_000
    assert {one.name for one in path.parent.iterdir()} == {"scores.json", "scores.png"}


def test_report_that_cannot_be_written_is_one_clear_error(scores, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        write_report(scores, tmp_path / "file" / "scores.json")
