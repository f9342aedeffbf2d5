from dataclasses import replace

import numpy as np
import pytest

from algorithm.frames import Mpp
from training.index import Annotation
from training.inspection import crops
from training.inspection.crops import BOX_UM, CROP_UM, OUTSIDE_RGB, Place, cut, drawn_evenly, in_turns
from training.inspection.sheets import CROP_PX
from training.settings import load_settings


def places_of(*images):
    return [Place(image, cell) for image in images for cell in image.annotations]


def test_slides_and_sets_take_turns(entry):
    many = entry("a", [(n, 1) for n in range(100)])
    few = [entry("b", [(1, 1), (2, 2)]), entry("c", [(1, 1)]), entry("d", [(5, 5)], dataset="other")]
    chosen = drawn_evenly(places_of(many, *few), 6, seed=0)
    assert [(p.image.dataset, p.image.slide) for p in chosen] == [
        ("other", "d"), *[("set", "a")] * 2, *[("set", "b")] * 2, ("set", "c")
    ]  # fmt: skip


def test_what_is_drawn_depends_on_the_seed_alone(entry):
    every = places_of(entry("a", [(n, 1) for n in range(100)]))
    assert drawn_evenly(every, 5, seed=1) == drawn_evenly(every, 5, seed=1)
    assert drawn_evenly(every, 5, seed=1) != drawn_evenly(every, 5, seed=2)
    assert len(drawn_evenly(every, 500, seed=1)) == 100
    assert drawn_evenly([], 5, seed=0) == []


def test_turns_keep_the_order_within_a_key():
    assert in_turns(["a1", "a2", "b1", "a3", "b2"], lambda name: name[0]) == ["a1", "b1", "a2", "b2", "a3"]


def test_a_crop_shows_its_cell_in_the_middle_at_any_scale(indexed, drawn):
    for mpp in (0.25, 0.5):
        image = indexed(drawn("H03_a", (600, 500), [(300.5, 250.5)], [(330, 250)]), mpp)
        (shown,), failures = cut(places_of(image)[:1])
        assert failures == []
        assert shown.pixels.shape == (CROP_PX, CROP_PX, 3)
        dark_y, dark_x = np.nonzero((shown.pixels < 60).all(axis=2))
        assert (dark_x.mean(), dark_y.mean()) == pytest.approx((CROP_PX / 2, CROP_PX / 2), abs=1.5)
        main, other = shown.marks
        assert (main.main, other.main, other.label) == (True, False, "NMF")
        assert main.half[0] == pytest.approx(BOX_UM / CROP_UM * CROP_PX / 2, rel=0.02)
        assert other.x - main.x == pytest.approx(29.5 * mpp / CROP_UM * CROP_PX, abs=1)


def test_beyond_the_border_a_crop_is_grey(indexed, drawn):
    image = indexed(drawn("H03_a", (300, 300), [(0, 300)]))
    (shown,), _ = cut(places_of(image))
    half = CROP_PX // 2
    assert (shown.pixels[:, : half - 1] == OUTSIDE_RGB).all()
    assert (shown.pixels[half + 1 :] == OUTSIDE_RGB).all()
    assert not (shown.pixels[: half - 1, half + 1 :] == OUTSIDE_RGB).all(axis=2).any()


def test_each_file_is_opened_once_and_a_cell_of_a_sheet_ends_where_it_ends(indexed, drawn, monkeypatch):
    whole = indexed(drawn("sheet", (512, 256), [(128, 128)]))
    cells = [
        replace(whole, size=(256, 256), window=(x, 0, 256, 256), annotations=(Annotation(250, 100, "MF"),))
        for x in (0, 256)
    ]
    opened = []
    monkeypatch.setattr(crops, "open_image", lambda path: opened.append(path) or real(path))
    shown, failures = cut(places_of(*cells, cells[0]))
    assert (len(opened), len(shown), failures) == (1, 3, [])
    assert (shown[0].pixels[:, -20:] == OUTSIDE_RGB).all()
    assert shown[0].caption == ("she", "sheet_x0_y0", "x 250, y 100")


real = crops.open_image


def test_a_picture_that_cannot_be_read_costs_its_own_cells(indexed, drawn, tmp_path):
    good = indexed(drawn("H03_a", (300, 300), [(100, 100)]))
    gone = replace(good, path=tmp_path / "gone.png")
    other_size = replace(good, path=good.path, size=(3000, 300))
    shown, failures = cut(places_of(gone, good))
    assert (len(shown), len(failures)) == (1, 1)
    assert "gone.png" in failures[0]
    assert "3000 x 300 in the index" in cut(places_of(other_size))[1][0]


def test_without_a_scale_a_crop_says_so(indexed, drawn):
    image = replace(indexed(drawn("H03_a", (300, 300), [(100, 100)])), mpp=None)
    assert cut(places_of(image))[0][0].caption[-1] == "x 100, y 100, no scale"


def test_the_box_is_that_of_training(configs):
    assert load_settings(configs / "cpu_half.py").box_um == BOX_UM


def test_oblong_pixels_are_shown_square(indexed, drawn):
    image = replace(indexed(drawn("H03_a", (600, 500), [(300, 250)])), mpp=Mpp(0.25, 0.5))
    (shown,), _ = cut(places_of(image))
    dark_y, dark_x = np.nonzero((shown.pixels < 60).all(axis=2))
    assert np.ptp(dark_y) / np.ptp(dark_x) == pytest.approx(2, rel=0.1)  # the disc was round in px
