"""Which images `detect` works on, and where their results go."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithm.batch import _folder_names, plan
from algorithm.errors import ImageError


@pytest.fixture
def put(tmp_path):
    """Return a function that makes empty files below the folder `in`."""

    def made(*names):
        for name in names:
            path = tmp_path / "in" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path / "in"

    return made


def planned(paths, output):
    return {str(job.path.relative_to(output.parent)): job.folder.name for job in plan(paths, output)}


def test_folders_are_searched_to_the_bottom_in_the_order_of_names(tmp_path, put):
    folder = put("b.tif", "deep/er/a.PNG", "deep/c.svs", "notes.txt", "deep/table.csv")
    found = planned([folder], tmp_path / "out")
    assert list(found) == ["in/b.tif", "in/deep/c.svs", "in/deep/er/a.PNG"]
    assert list(found.values()) == ["b", "c", "a"]
    assert all(job.folder.parent == tmp_path / "out" for job in plan([folder], tmp_path / "out"))


def test_equal_stems_keep_their_suffix_and_equal_names_their_path(tmp_path, put):
    folder = put("a.tif", "a.png", "x/b.tif", "y/b.tif", "c.tif")
    assert planned([folder], tmp_path / "out") == {
        "in/a.tif": "a.tif",
        "in/a.png": "a.png",
        "in/c.tif": "c",
        "in/x/b.tif": "x_b.tif",
        "in/y/b.tif": "y_b.tif",
    }


def test_no_result_lies_where_another_one_is_written(tmp_path, put):
    found = planned([put("a.part.tif", "a.tif")], tmp_path / "out")
    assert found == {"in/a.part.tif": "a.part_", "in/a.tif": "a"}


@pytest.mark.parametrize(
    "names",
    [("x_y/a.tif", "x/y/a.tif", "x/y_a.tif"), ("a.tif", "a.png", "a.tif.png"), ("a.tif", "x/a.tif", "x_a.tif.png")],
)
def test_no_two_images_share_a_folder(tmp_path, put, names):
    found = planned([put(*names)], tmp_path / "out")
    assert len(set(found.values())) == len(found) == 3


@given(
    st.lists(st.lists(st.sampled_from(["a", "a.tif", "a_a.tif", "a.png", "a.tif.png"]), min_size=1), unique_by=tuple)
)
def test_no_two_images_share_a_folder_whatever_their_names(parts):
    names = _folder_names([Path("/in", *part) for part in parts])
    assert len(set(names)) == len(parts)
    assert all("/" not in name for name in names)


def test_an_image_that_is_named_twice_is_one(tmp_path, put, monkeypatch):
    folder = put("a.tif", "x/b.tif")
    monkeypatch.chdir(tmp_path)
    found = plan([Path("in/a.tif"), folder / "a.tif", folder, Path("in/x/../a.tif")], tmp_path / "out")
    assert [job.folder.name for job in found] == ["a", "b"]


def test_the_output_inside_the_input_is_not_searched(tmp_path, put):
    folder = put("a.tif", "results/a/overlay.png", "results/a/crops/1.png", "results/b.part/overlay.png")
    assert list(planned([folder], folder / "results")) == ["a.tif"]


def test_the_input_itself_can_be_the_output(tmp_path, put):
    folder = put("a.tif", "a/overlay.png", "a/mitotic-figures.json", "x/overlay.png")
    found = [str(job.path.relative_to(folder)) for job in plan([folder], folder)]
    assert found == ["a.tif", "x/overlay.png"], "a picture that no result lies beside is somebody's image"
    below = [job.path.name for job in plan([folder / "x"], folder)]
    assert below == ["overlay.png"]


def test_a_file_that_is_named_goes_by_its_content(tmp_path, put):
    folder = put("region.dat")
    assert planned([folder / "region.dat"], tmp_path / "out") == {"in/region.dat": "region"}


def test_what_is_not_there_is_refused(tmp_path):
    with pytest.raises(ImageError, match=r"none.tif: no such file or folder"):
        plan([tmp_path / "none.tif"], tmp_path / "out")


def test_a_folder_without_an_image_is_refused_with_what_was_looked_for(tmp_path, put):
    with pytest.raises(ImageError, match=r"in: no image in this folder \(looked for .tif, .tiff, .mha, .*\.svs"):
        plan([put("notes.txt")], tmp_path / "out")
