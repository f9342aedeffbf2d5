"""A calibration for each kind of image is fitted on other glasses of that kind alone."""

from pathlib import Path

import numpy as np
import pytest
from predictions import drawn

from algorithm.detector import Options
from algorithm.frames import Mpp
from benchmarks import calibrations
from benchmarks.calibrations import Judged, held_out, judge, scores
from export.bundle import joined_training
from training.evaluation.calibration import CalibrationError
from training.index import IndexedImage


def judged(rng, glass: str, kind: str, *, offset: float, figures: int = 60) -> Judged:
    return Judged(drawn(rng, figures, 300, glass, offset=offset), glass, {"all": None, "each": kind})


@pytest.fixture
def two_kinds():
    """Three glasses of each kind; the second kind is scored far higher."""
    rng = np.random.default_rng(0)
    return [
        judged(rng, f"{kind}{n}", kind, offset=offset)
        for kind, offset in (("low", 0.0), ("high", 4.0))
        for n in range(3)
    ]


def test_images_are_of_the_kind_of_their_members_and_data_set_and_slides_of_one_glass_together(with_facts, monkeypatch):
    bundle = with_facts(training=joined_training([{"slides": ["H04"]}, {"slides": ["H03", "A03"]}]))
    monkeypatch.setattr(calibrations, "load_bundle", lambda folder: bundle)
    monkeypatch.setattr(calibrations, "predict_unseen", lambda _bundle, images, _options: list(images))
    shown = [("hamamatsu", "H03", "glass 3"), ("hamamatsu", "H04", ""), ("aperio", "A03", "glass 3")]
    images = [
        IndexedImage(dataset, slide, Path(f"{slide}.tif"), (9, 9), Mpp(0.25, 0.25), (), glass=glass)
        for dataset, slide, glass in shown
    ]
    same, other, across = judge(Path("bundle"), images, Options())
    assert same.glass == across.glass != other.glass
    assert [one.kinds["each member"] for one in (same, other, across)] == [(0,), (1,), (0,)]
    assert [one.kinds["each data set"] for one in (same, other, across)] == ["hamamatsu", "hamamatsu", "aperio"]
    assert [one.said.slide for one in (same, other, across)] == ["H03", "H04", "A03"]


def test_kinds_that_are_scored_apart_want_a_calibration_each(two_kinds):
    together, each = (scores(held_out(two_kinds, way)) for way in ("all", "each"))
    assert each[0] > together[0] + 0.05  # AP
    assert each[1] > together[1] + 0.1  # F1


def test_a_glass_has_no_part_in_its_own_calibration(two_kinds):
    before = held_out(two_kinds, "each")[0]
    rng = np.random.default_rng(1)
    other = [two_kinds[0], judged(rng, "low0", "low", offset=9.0, figures=5), *two_kinds[1:]]
    image, threshold = held_out(other, "each")[0]
    assert threshold == before[1]
    assert (image.probability == before[0].probability).all()


def test_images_stay_in_their_order(two_kinds):
    mixed = two_kinds[::-1]
    assert [image.slide for image, _ in held_out(mixed, "all")] == [one.glass for one in mixed]


def test_a_kind_of_one_glass_is_refused(two_kinds):
    with pytest.raises(CalibrationError, match="both kinds are needed"):
        held_out([*two_kinds[:3], two_kinds[3]], "each")


def test_each_image_counts_at_its_own_threshold():
    image = drawn(np.random.default_rng(2), 1, 1, "H03")
    assert scores([(image, 0.0)])[1] == pytest.approx(2 / 3)
    assert scores([(image, 1.0)])[1] == 0.0
    assert scores([(image, 0.0), (image, 1.0)])[1] == pytest.approx(2 / 4)
