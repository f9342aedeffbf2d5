"""Folds by glass, and as a file."""

import pytest

from training.experiments.folds import check_folds, held_back, make_folds, read_folds, trained_on, write_folds
from training.importers import read_folders
from training.index import DataError


@pytest.fixture
def images(listed):
    """Two sets of six slides; slide n of both is one glass, and the first set has windows as well."""
    found = []
    for n in range(6):
        glass = f"glass {n}"
        found.append(listed("frames", f"H{n}", 3 + n, 2, glass=glass))
        found.append(listed("frames", f"H{n}", 1, 0, glass=glass, name=f"window-{n}.png"))
        found.append(listed("contest", f"A{n}", 2, 0, glass=glass))
    return found


def test_a_glass_is_in_one_fold_whatever_its_slides_are_called(images):
    folds = make_folds(images, 3)
    assert set(folds.values()) == {0, 1, 2}
    assert all(folds["frames", f"H{n}"] == folds["contest", f"A{n}"] for n in range(6))


def test_what_trains_shares_no_glass_with_what_validates(images):
    folds = make_folds(images, 3, validate=["frames"])
    for fold in range(3):
        held, trained = held_back(images, folds, fold), trained_on(images, folds, fold)
        assert {image.dataset for image in held} == {"frames"}  # the other set only trains ...
        assert {image.dataset for image in trained} == {"frames", "contest"}
        assert not {image.glass for image in held} & {image.glass for image in trained}  # ... but not of this glass


def test_every_image_validates_once(images):
    folds = make_folds(images, 3)
    held = [image.path for fold in range(3) for image in held_back(images, folds, fold)]
    assert sorted(held) == sorted(image.path for image in images)


def test_folds_hold_figures_of_every_data_set_and_much_alike(listed):
    images = [listed(name, f"{name}{n}", 10, 5) for name in ("one", "two") for n in range(10)]
    folds = make_folds(images, 5)
    for fold in range(5):
        held = held_back(images, folds, fold)
        assert {image.dataset for image in held} == {"one", "two"}
        assert sum(len(image.places("MF")) for image in held) == 40


def test_another_seed_gives_other_folds_and_the_same_seed_the_same(listed):
    images = [listed("one", f"s{n}", 2, 1) for n in range(20)]
    assert make_folds(images, 5, seed=1) == make_folds(images, 5, seed=1)
    assert make_folds(images, 5, seed=1) != make_folds(images, 5, seed=2)


def test_folds_are_a_file_that_comes_back_as_it_was(tmp_path, images):
    folds = make_folds(images, 3, validate=["frames"])
    write_folds(tmp_path / "folds.csv", folds, images)
    assert read_folds(tmp_path / "folds.csv", images) == (folds, 3)
    lines = (tmp_path / "folds.csv").read_text().splitlines()
    assert lines[0] == "dataset,slide,fold,images,figures,imposters"
    assert "contest,A0,,1,2,0" in lines  # only trains
    assert f"frames,H0,{folds['frames', 'H0']},2,4,2" in lines


def test_more_folds_than_slides_are_refused(images):
    with pytest.raises(DataError, match="7 folds of 6 slides"):
        make_folds(images, 7)


def test_a_fold_without_a_figure_is_refused(listed):
    images = [listed("one", "a", 5), listed("one", "b", 0, 5), listed("one", "c", 0, 5)]
    with pytest.raises(DataError, match=r"fold \d is empty"):
        make_folds(images, 3)


def test_folds_that_leave_nothing_to_train_on_are_refused(listed):
    images = [listed("one", "a", 5), listed("one", "b", 0, 5)]
    with pytest.raises(DataError, match="fold 0 leaves no figure to train on"):
        check_folds({("one", "a"): 0}, images, 1)


def test_an_unknown_data_set_is_refused_with_those_that_are_there(images):
    with pytest.raises(DataError, match=r"no data set MIDOG .*contest, frames"):
        make_folds(images, 3, validate=["MIDOG"])


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("frames,H0,0\nframes,H1,1\nframes,H0,1\n", "line 4: slide H0 of frames is listed twice"),
        ("frames,H0,0\ncontest,A0,1\nframes,H1,1\n", "slide H0 and A0, the same glass, are in folds"),
        ("frames,H9,0\n", "line 2: no slide H9 of data set frames"),
        ("frames,H0,first\n", "not a table of dataset, slide, fold"),
        ("frames,H0,-1\n", "below 0"),
        ("frames,H0,\n", "no slide has a fold"),
        ("frames,H0,0\nframes,H1,2\n", "fold 1 is empty"),
        ("", "no slide has a fold"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path, images, rows, said):
    path = tmp_path / "folds.csv"
    path.write_text("dataset,slide,fold\n" + rows)
    with pytest.raises(DataError, match=said):
        read_folds(path, images)


def test_a_slide_in_two_folds_is_refused_by_its_name(images):
    with pytest.raises(DataError, match=r"slide H0 and A0, the same glass, are in folds 1 and 0|slide H0 .*folds"):
        check_folds({("contest", "A0"): 1, ("frames", "H0"): 0, ("frames", "H1"): 1}, images, 2)


def test_a_file_of_other_columns_and_none_are_refused(tmp_path, images):
    (tmp_path / "other.csv").write_text("set,slide\nframes,H0\n")
    for name in ("other.csv", "absent.csv"):
        with pytest.raises(DataError, match=f"{name}: not a table"):
            read_folds(tmp_path / name, images)


def test_five_folds_of_mitos_atypia_14_are_by_glass_and_hold_figures(shared):
    images = read_folders([shared(name) for name in ("mitos14", "mitos14_patches", "icpr2012_train")])
    folds = make_folds(images, 5, validate=["mitos14", "mitos14_patches"])
    assert {fold for (_, slide), fold in folds.items() if slide == "H04"} == {folds["mitos14", "H04"]}
    for fold in range(5):
        held, trained = held_back(images, folds, fold), trained_on(images, folds, fold)
        numbers = {image.slide[1:] for image in held} & {"03", "04"}
        assert not {image.slide for image in trained if image.slide[1:] in numbers}  # A03 is H03
        assert sum(len(image.places("MF")) for image in held) > 50
