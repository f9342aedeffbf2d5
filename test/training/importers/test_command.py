"""`python -m training import` as from a shell."""

import pytest

from algorithm.frames import Mpp
from training.index import usable
from training.store import META_NAME, read_index

BOX = ([0, 0, 50, 50], 1)


@pytest.fixture
def source(write, midog_json):
    return write("MIDOG.json", midog_json({"001.tiff": [BOX, ([9, 9, 59, 59], 2)], "151.tiff": []}))


def test_counts_and_what_was_left_out_are_printed(command, source, tmp_path):
    result = command("import", "midog", source, "--allow-missing-images", "--output", tmp_path / "index")
    assert result.exit_code == 0, result.output
    for text in ("MIDOG/001", "without picture", "not labelled, so no negative", "151.tiff", "written: "):
        assert text in result.output
    assert len(read_index(tmp_path / "index")) == 1


def test_missing_pictures_are_one_error_and_nothing_is_written(command, source, tmp_path):
    result = command("import", "midog", source, "--output", tmp_path / "index")
    assert result.exit_code == 2
    for text in ("1 of 1 pictures are not there (001.tiff)", "--images DIR", "--allow-missing-images"):
        assert text in result.output
    assert not (tmp_path / "index").exists()


@pytest.mark.parametrize("name", ["001.tiff", "deep/below/001.tif", "001.png", "001.JPG"])
def test_pictures_are_found_below_a_folder_with_another_suffix(command, source, picture, tmp_path, name):
    picture(f"pictures/{name}")
    result = command("import", "midog", source, "--images", tmp_path / "pictures", "--output", tmp_path / "index")
    assert result.exit_code == 0, result.output
    [image] = read_index(tmp_path / "index")
    assert (image.path, image.missing) == (tmp_path / "pictures" / name, False)


def test_the_named_suffix_wins(command, source, picture, tmp_path):
    for name in ("001.tiff", "001.png"):
        picture(f"pictures/{name}")
    command("import", "midog", source, "--images", tmp_path / "pictures", "--output", tmp_path / "index")
    assert read_index(tmp_path / "index")[0].path.name == "001.tiff"


@pytest.mark.parametrize(("given", "scale"), [((), Mpp(0.25, 0.25)), (("--mpp", 0.5), Mpp(0.5, 0.5))])
def test_scale_comes_from_the_option_or_else_the_file(command, source, picture, tmp_path, given, scale):
    picture("001.png", dpi=(101_600, 101_600))
    command("import", "midog", source, *given, "--output", tmp_path / "index")
    [image] = usable(read_index(tmp_path / "index"), "index")
    assert image.mpp == pytest.approx(scale, rel=1e-3)


def test_names_of_data_set_and_slides_can_be_said(command, source, tmp_path):
    options = ("--data-set", "ours", "--prefix", "x/", "--allow-missing-images")
    command("import", "midog", source, *options, "--output", tmp_path / "index")
    [image] = read_index(tmp_path / "index")
    assert (image.dataset, image.slide, image.glass) == ("ours", "x/001", "MIDOG/001")


def test_several_sources_make_one_index(command, write, tmp_path):
    folders = [write(f"{name}/lab.csv", f"image,x,y,label\n{name}.png,1,2,MF\n") for name in ("a", "b")]
    result = command("import", "csv", *folders, "--allow-missing-images", "--output", tmp_path / "index")
    assert result.exit_code == 0, result.output
    assert [image.slide for image in read_index(tmp_path / "index")] == ["a", "b"]


def test_the_same_source_twice_is_refused(command, source, tmp_path):
    result = command("import", "midog", source, source, "--allow-missing-images", "--output", tmp_path / "index")
    assert result.exit_code == 2
    assert "001 is listed twice" in result.output or "001 is a name of two files" in result.output


@pytest.mark.parametrize(
    ("name", "option", "used"),
    [
        ("midog", ("--classes", "a=MF"), "--metadata"),
        ("coco", ("--metadata", "m.csv"), "--classes"),
        ("crops", ("--images", "here"), "--prefix"),
        ("tiles", ("--allow-missing-images",), "--classes"),
        ("midog25", ("--metadata", "m.csv"), "--images"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(command, tmp_path, name, option, used):
    result = command("import", name, tmp_path, *option, "--output", tmp_path / "index")
    assert result.exit_code == 2
    assert f"import {name} does not use {option[0]} (it uses " in result.output
    assert used in result.output


def test_an_unknown_format_is_refused_with_the_known_ones(command, tmp_path):
    result = command("import", "yolo", tmp_path, "--output", tmp_path / "index")
    assert result.exit_code == 2
    assert "'yolo' is no format that is read; these are: midog, midog25, sliderunner" in result.output


def test_a_missing_source_and_a_missing_folder_of_pictures(command, source, tmp_path):
    output = ("--output", tmp_path / "index")
    result = command("import", "midog", tmp_path / "absent.json", *output)
    assert (result.exit_code, "absent.json: no such file or folder" in result.output) == (2, True)
    result = command("import", "midog", source, "--images", tmp_path / "absent", *output)
    assert (result.exit_code, "absent: no such folder of pictures" in result.output) == (2, True)


def test_a_file_where_a_folder_is_needed_and_the_other_way(command, source, tmp_path):
    output = ("--output", tmp_path / "index")
    result = command("import", "crops", source, *output)
    assert (result.exit_code, "a file; import crops reads a folder" in result.output) == (2, True)
    for name in ("midog", "coco", "midog25", "sliderunner", "exact", "csv"):
        result = command("import", name, tmp_path, *output)
        assert (result.exit_code, f"a folder; import {name} reads a file" in result.output) == (2, True), result.output


def test_an_index_is_never_overwritten(command, source, tmp_path):
    arguments = ("import", "midog", source, "--allow-missing-images", "--output", tmp_path / "index")
    assert command(*arguments).exit_code == 0
    before = (tmp_path / "index" / META_NAME).read_bytes()
    result = command(*arguments)
    assert (result.exit_code, "holds an index already" in result.output) == (5, True)
    assert (tmp_path / "index" / META_NAME).read_bytes() == before


def test_data_without_an_image_make_no_index(command, write, midog_json, tmp_path):
    source = write("MIDOG.json", midog_json({"151.tiff": []}))
    result = command("import", "midog", source, "--allow-missing-images", "--output", tmp_path / "index")
    assert (result.exit_code, "there is no image in the data" in result.output) == (2, True)


def test_many_slides_are_summarised_unless_asked_for(command, write, tmp_path):
    rows = "".join(f"s{n:02}.png,1,2,MF\n" * (n + 1) for n in range(20))
    source = write("lab.csv", "image,x,y,label\n" + rows)
    arguments = ("import", "csv", source, "--allow-missing-images", "--output")
    short, full = command(*arguments, tmp_path / "a").output, command(*arguments, tmp_path / "b", "--verbose").output
    assert "20 slides" in short
    assert "s07" not in short
    assert "s07" in full


def test_the_index_is_the_same_each_time(command, source, tmp_path):
    for name in ("a", "b"):
        command("import", "midog", source, "--allow-missing-images", "--output", tmp_path / name)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
