import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from algorithm.errors import ImageError, MitosisError
from algorithm.frames import Mpp
from training.importers import read_folder
from training.index import Annotation, IndexedImage
from training.opening import open_picture
from training.store import ANNOTATIONS_NAME, IMAGES_NAME, META_NAME, read_index, write_index


@pytest.fixture
def pictures(tmp_path: Path) -> list[IndexedImage]:
    """Two slides and two cells of one sheet, as files."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    pixels = np.arange(64 * 96 * 3, dtype=np.uint32).reshape(64, 96, 3).astype(np.uint8)
    for name in ("a", "b", "sheet"):
        PIL.Image.fromarray(pixels).save(folder / f"{name}.png")
    one = IndexedImage(
        "set", "a", folder / "a.png", (96, 64), Mpp(0.25, 0.24), (Annotation(1.25, 2, "MF"), Annotation(96, 64, "NMF")),
        glass="G1", scanner="Aperio", tumour="breast", species="human",
    )  # fmt: skip
    two = IndexedImage("set", "b", folder / "b.png", (96, 64), Mpp(0.5, 0.5), ())
    cells = [
        IndexedImage("crops", "", folder / "sheet.png", (32, 32), Mpp(0.25, 0.25), (), window=(32 * n, 0, 32, 32))
        for n in (0, 2)
    ]
    return [one, two, *cells]


def test_what_was_written_is_read(pictures, tmp_path):
    write_index(tmp_path / "index", pictures, made_from={"format": "csv"})
    assert read_index(tmp_path / "index") == pictures
    assert read_folder(tmp_path / "index") == pictures


def test_an_index_of_no_image_is_one(tmp_path):
    write_index(tmp_path / "index", [], made_from={})
    assert read_index(tmp_path / "index") == []


def test_index_and_pictures_move_together(pictures, tmp_path):
    write_index(tmp_path / "pictures/index", pictures, made_from={})
    (tmp_path / "pictures").rename(tmp_path / "elsewhere")
    moved = read_index(tmp_path / "elsewhere/index")
    assert [one.path for one in moved] == [tmp_path / "elsewhere" / one.path.name for one in pictures]


def test_another_version_is_refused(pictures, tmp_path):
    write_index(tmp_path, pictures, made_from={})
    meta = json.loads((tmp_path / META_NAME).read_text())
    (tmp_path / META_NAME).write_text(json.dumps({**meta, "version": 99}))
    with pytest.raises(MitosisError, match=r"version 99, this program reads .* 1; import it again"):
        read_folder(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "coco"}'])
def test_another_json_is_no_index(text, tmp_path):
    (tmp_path / META_NAME).write_text(text)
    with pytest.raises(MitosisError, match="no index of this project"):
        read_index(tmp_path)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        (IMAGES_NAME, lambda text: text[: len(text) // 2]),
        (IMAGES_NAME, lambda text: text.replace("width", "breadth")),
        (ANNOTATIONS_NAME, lambda text: text.replace("NMF", "mitosis")),
        (ANNOTATIONS_NAME, lambda text: text + "77,1,1,MF\n"),
        (ANNOTATIONS_NAME, lambda text: text + "0,1\n"),
    ],
)
def test_a_damaged_index_is_refused(pictures, tmp_path, name, damage):
    write_index(tmp_path, pictures, made_from={})
    (tmp_path / name).write_text(damage((tmp_path / name).read_text()))
    with pytest.raises(MitosisError, match="cannot be read"):
        read_index(tmp_path)


def test_an_index_is_never_overwritten(pictures, tmp_path):
    write_index(tmp_path, pictures[:1], made_from={})
    with pytest.raises(MitosisError, match="holds an index already"):
        write_index(tmp_path, pictures, made_from={})
    assert read_index(tmp_path) == pictures[:1]


def test_annotation_outside_its_image_is_refused(pictures, tmp_path):
    beyond = replace(pictures[1], annotations=(Annotation(97, 3, "MF"),))
    with pytest.raises(MitosisError, match=r"b: a MF at \(97, 3\) lies outside of the image of 96 x 64 px"):
        write_index(tmp_path, [beyond], made_from={})


def test_two_files_of_one_name_are_refused(pictures, tmp_path):
    twin = replace(pictures[0], path=tmp_path / "other/a.png")
    with pytest.raises(MitosisError, match="a is a name of two files"):
        write_index(tmp_path, [pictures[0], twin], made_from={})
    with pytest.raises(MitosisError, match="is listed twice"):
        write_index(tmp_path, [pictures[0], replace(pictures[0], path=Path(str(pictures[0].path)))], made_from={})
    write_index(tmp_path, [pictures[0], replace(twin, dataset="another")], made_from={})


@pytest.mark.parametrize(("change", "reason"), [({"missing": True}, "no picture"), ({"mpp": None}, "no scale")])
def test_what_cannot_be_trained_on_is_refused_with_the_remedy(pictures, tmp_path, change, reason):
    write_index(tmp_path, [pictures[0], replace(pictures[1], **change)], made_from={})
    assert len(read_index(tmp_path)) == 2
    with pytest.raises(MitosisError, match=f"1 of 2 images have {reason} .*import it again with --"):
        read_folder(tmp_path)


def test_a_part_of_a_file_shows_what_lies_there(pictures):
    with open_picture(pictures[0]) as whole, open_picture(pictures[3]) as cell:
        assert cell.size == (32, 32)
        assert cell.mpp == Mpp(0.25, 0.25)
        np.testing.assert_array_equal(cell.read(4, 5, 10, 20), whole.read(68, 5, 10, 20))
        assert (cell.read(-4, 0, 4, 32) == 255).all()  # white outside, not the next cell


def test_a_part_beyond_its_file_is_an_error(pictures):
    with pytest.raises(ImageError, match="leaves the image of 96 x 64 px"):
        open_picture(replace(pictures[3], window=(80, 0, 32, 32)))


def test_another_picture_than_was_indexed_is_an_error(pictures):
    with pytest.raises(ImageError, match="96 x 64 px, 960 x 64 in the index"):
        open_picture(replace(pictures[0], size=(960, 64)))
