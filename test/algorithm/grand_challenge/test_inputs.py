"""Where the platform puts an image, in all layouts that MIDOG has used."""

import json

import pytest

from algorithm.errors import PlatformError
from algorithm.grand_challenge.inputs import find_image

SLUG = "histopathology-region-of-interest-cropout"
FOLDER = "images/histopathology-roi-cropout"
SOCKET = {
    "title": "Histopathology region of interest (cropout)",
    "description": "",
    "slug": SLUG,
    "kind": "Image",
    "pk": 200,
    "default_value": None,
    "super_kind": "Image",
    "relative_path": FOLDER,
    "overlay_segments": [],
    "look_up_table": None,
}
ITEM = {"value": None, "file": None, "image": {"pk": "0f", "name": "case 1.tif"}, "pk": 1}


@pytest.fixture
def put(tmp_path):
    """Return a function that makes an empty file below the input folder."""

    def made(name):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return path

    return made


@pytest.fixture
def say(tmp_path):
    """Return a function that writes inputs.json."""

    def written(*items):
        (tmp_path / "inputs.json").write_text(json.dumps(list(items)))

    return written


def refused(folder, message):
    with pytest.raises(PlatformError, match=message) as caught:
        find_image(folder)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("suffix", [".tif", ".tiff", ".mha", ".TIF"])
def test_2021_the_file_lies_directly_in_the_input(tmp_path, put, suffix):
    path = put(f"0f{suffix}")
    assert find_image(tmp_path) == path


@pytest.fixture
def in_2025(put):
    return put(f"{FOLDER}/0f.tif")


def test_2022_the_file_lies_in_the_folder_of_the_interface(tmp_path, in_2025):
    assert find_image(tmp_path) == in_2025


@pytest.mark.parametrize(
    "keys",
    [
        {"socket": SOCKET, "interface": SOCKET},
        {"socket": SOCKET},
        {"interface": SOCKET},
        {"socket": None, "interface": SOCKET},
        {"socket": SOCKET, "interface": {**SOCKET, "relative_path": "elsewhere"}},
    ],
)
def test_2025_inputs_json_names_the_folder(tmp_path, in_2025, say, keys):
    say({**ITEM, **keys})
    assert find_image(tmp_path) == in_2025


def test_the_folder_that_inputs_json_names_is_taken_and_no_other(tmp_path, put, in_2025, say):
    other = put("images/other/0f.tif")
    say({**ITEM, "socket": {**SOCKET, "relative_path": "images/other"}})
    assert find_image(tmp_path) == other
    other.unlink()
    refused(tmp_path, "images/other: no image found")


def test_another_slug_is_taken_when_it_is_the_only_image(tmp_path, put, say):
    path = put("images/he/0f.mha")
    say({**ITEM, "socket": {**SOCKET, "slug": "he-slide", "relative_path": "images/he"}})
    assert find_image(tmp_path) == path


def test_inputs_that_are_no_images_do_not_count(tmp_path, in_2025, say):
    age = {**SOCKET, "slug": "age", "kind": "Integer", "super_kind": "Value", "relative_path": "age.json"}
    say({**ITEM, "socket": age}, {**ITEM, "socket": SOCKET})
    assert find_image(tmp_path) == in_2025


def test_of_two_images_the_one_with_the_slug_of_midog_is_taken(tmp_path, in_2025, put, say):
    put("images/mask/0f.mha")
    mask = {**SOCKET, "slug": "tissue-mask", "relative_path": "images/mask"}
    say({**ITEM, "socket": mask}, {**ITEM, "socket": SOCKET})
    assert find_image(tmp_path) == in_2025


def test_files_of_other_kinds_beside_the_image_do_not_matter(tmp_path, in_2025, put):
    put(f"{FOLDER}/notes.txt")
    put(f"{FOLDER}/0f.xml")
    assert find_image(tmp_path) == in_2025


def test_a_missing_input_folder_is_refused(tmp_path):
    refused(tmp_path / "input", "input: no such input folder")


def test_no_image_is_refused_with_the_places_that_were_looked_at(tmp_path, put):
    put("notes.txt")
    refused(tmp_path, rf"{FOLDER} or .*: no image found \(one file with .tif, .tiff, .mha is expected\)")


@pytest.mark.parametrize("folder", [".", FOLDER])
def test_two_images_are_refused_by_name(tmp_path, put, folder):
    put(f"{folder}/b.tif"), put(f"{folder}/a.mha")
    refused(tmp_path, r"2 images found where one is expected \(a.mha, b.tif\)")


@pytest.mark.parametrize("content", [b"[{", b"", b"\xff\xfe", b"hello"])
def test_inputs_json_that_is_no_json_is_refused(tmp_path, in_2025, content):
    (tmp_path / "inputs.json").write_bytes(content)
    refused(tmp_path, "inputs.json: cannot be read as JSON")


@pytest.mark.parametrize(
    "items",
    [
        {},
        [],
        [1, None, "x"],
        [{"socket": 3}],
        [{**ITEM, "socket": {**SOCKET, "kind": "Integer", "super_kind": "Value"}}],
    ],
)
def test_inputs_json_without_an_image_is_refused(tmp_path, in_2025, items):
    (tmp_path / "inputs.json").write_text(json.dumps(items))
    refused(tmp_path, f"inputs.json: one image socket, {SLUG}, is expected; found none")


def test_two_other_images_in_inputs_json_are_refused_by_their_slugs(tmp_path, say):
    sockets = [{**SOCKET, "slug": slug, "relative_path": f"images/{slug}"} for slug in ("he", "phh3")]
    say(*({**ITEM, "socket": socket} for socket in sockets))
    refused(tmp_path, "is expected; found he, phh3")


@pytest.mark.parametrize("relative", ["../elsewhere", "images/../../etc", "/etc", "", "."])
def test_a_path_out_of_the_input_is_refused(tmp_path, in_2025, say, relative):
    say({**ITEM, "socket": {**SOCKET, "relative_path": relative}})
    refused(tmp_path, "inputs.json: relative_path .* is no folder below the input")
