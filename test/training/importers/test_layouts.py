"""Each layout of a published data set, on folders written here."""

import csv
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from algorithm.errors import ImageError, MitosisError
from training.importers import FOLDERS, read_folder, read_folders


def picture(path: Path, size: tuple[int, int] = (40, 30)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(np.full((size[1], size[0], 3), 200, np.uint8)).save(path)
    return path


def table(path: Path, *rows: list[object]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)


def test_contour_becomes_the_middle_of_its_bounding_box(tmp_path):
    picture(tmp_path / "A00_01.jpg")
    # pixels 10 to 13 across and 5 to 6 down: the box is 10-14 and 5-7 in corners
    (tmp_path / "A00_01.csv").write_text("10,5,13,5,11,6\n")
    [image] = read_folder(tmp_path)
    assert image.places("MF") == [(12.0, 6.0)]
    assert image.places("NMF") == []


def test_icpr_frames_carry_their_slide_size_and_scale(tmp_path):
    for name in ("A01_02", "A00_01"):
        picture(tmp_path / f"{name}.jpg", (50, 20))
        (tmp_path / f"{name}.csv").write_text("")
    first, second = read_folder(tmp_path)
    assert [first.name, second.name] == ["A00_01", "A01_02"]
    assert (first.slide, first.size, first.mpp, first.dataset) == ("A00", (50, 20), (0.2456, 0.2456), tmp_path.name)
    assert first.annotations == ()


def test_slides_of_both_contests_share_a_glass(tmp_path):
    for name in ("A03_01", "A04_01", "A02_01"):
        picture(tmp_path / f"{name}.jpg")
        (tmp_path / f"{name}.csv").write_text("")
    assert [(image.slide, image.glass) for image in read_folder(tmp_path)] == [
        ("A02", ""), ("A03", "H03"), ("A04", "H04"),
    ]  # fmt: skip


def test_lines_with_trailing_commas_and_empty_lines_are_read(tmp_path):
    picture(tmp_path / "A00_01.jpg")
    (tmp_path / "A00_01.csv").write_text("1,1,\n\n3,4,3,4,\n")
    assert read_folder(tmp_path)[0].places("MF") == [(1.5, 1.5), (3.5, 4.5)]


def test_frames_of_mitos14_know_their_scanner(tmp_path):
    picture(tmp_path / "H03_00Aa.jpg")
    picture(tmp_path / "A03_00Aa.jpg")
    table(
        tmp_path / "points.csv",
        ["frame", "slide", "scanner", "x", "y", "label"],
        ["H03_00Aa", "03", "H", "4.5", "7", "MF"],
        ["H03_00Aa", "03", "H", "20", "9", "NMF"],
    )
    aperio, hamamatsu = read_folder(tmp_path)
    assert (aperio.slide, aperio.mpp, aperio.annotations) == ("H03", (0.2455, 0.2455), ())  # the same glass
    assert (hamamatsu.slide, hamamatsu.mpp) == ("H03", (0.2275, 0.2275))
    assert hamamatsu.places("MF") == [(4.5, 7.0)]
    assert hamamatsu.places("NMF") == [(20.0, 9.0)]


def test_windows_of_a_frame_keep_their_own_places(tmp_path):
    for left in (0, 64):
        picture(tmp_path / f"H04_01Bc_x{left}_y0.jpg")
    table(
        tmp_path / "points.csv",
        ["patch", "frame", "slide", "scanner", "x", "y", "label"],
        ["H04_01Bc_x0_y0", "H04_01Bc", "04", "H", "5", "6", "MF"],
        ["H04_01Bc_x64_y0", "H04_01Bc", "04", "H", "7", "8", "MF"],
    )
    assert [image.places("MF") for image in read_folder(tmp_path)] == [[(5.0, 6.0)], [(7.0, 8.0)]]
    assert {image.slide for image in read_folder(tmp_path)} == {"H04"}


def test_canine_tiles_give_imposters_of_two_slides(tmp_path):
    for name in ("ccmct_one_x0.jpg", "ccmct_two_x0.jpg"):
        picture(tmp_path / name, (64, 48))
    table(
        tmp_path / "index.csv",
        ["file", "width", "height", "tissue_fraction", "n_nmf_labelled", "nmf_points_xy"],
        ["ccmct_one_x0.jpg", 64, 48, 0.9, 2, "1 2;30.5 40"],
        ["ccmct_two_x0.jpg", 64, 48, 0.9, 0, ""],
    )
    one, two = read_folder(tmp_path)
    assert one.places("NMF") == [(1.0, 2.0), (30.5, 40.0)]
    assert (one.slide, two.slide, two.annotations) == ("one", "two", ())
    assert (one.size, one.mpp) == ((64, 48), (0.25, 0.25))


SHEET_COLUMNS = ["sheet", "col", "row", "label", "subtype", "domain", "slide", "scanner", "source_name"]


def test_cells_of_a_sheet_are_images_with_a_figure_in_the_middle(tmp_path):
    picture(tmp_path / "set/sheet_00.png", (256, 128))
    table(
        tmp_path / "set/index.csv",
        SHEET_COLUMNS,
        ["sheet_00.png", 1, 0, "MF", "normal", "human breast (MIDOG21)", "007.tiff", "Aperio CS2", "b"],
        ["sheet_00.png", 0, 0, "MF", "normal", "MIDOG++ (7 tumours)", "", "", "x/a.png"],
    )
    first, second = read_folder(tmp_path / "set")
    assert (first.window, second.window) == ((0, 0, 128, 128), (128, 0, 128, 128))
    assert first.size == (128, 128)
    assert first.places("MF") == second.places("MF") == [(64.0, 64.0)]
    assert (first.slide, first.species, first.scanner) == ("set/x/a.png", "", "")
    assert (second.slide, second.species, second.scanner) == ("MIDOG/007", "human", "Aperio CS2")
    assert (second.tumour, second.dataset, second.mpp) == ("human breast (MIDOG21)", "set", (0.25, 0.25))


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (["sheet_00.png", 2, 0, "MF"], "line 2: the cell leaves sheet_00.png of 256 x 128 px"),
        (["sheet_00.png", -1, 0, "MF"], "line 2: col is '-1', not a whole number"),
        (["sheet_00.png", 0, 0, "NMF"], "line 2: label 'NMF'; crops are of figures"),
        (["sheet_01.png", 0, 0, "MF"], "sheet_01.png: cannot be opened"),
        (["sheet_00.png", 0, 0], "line 2: 8 cells, 9 columns"),
    ],
)
def test_cells_that_are_none_are_refused(tmp_path, cell, message):
    picture(tmp_path / "sheet_00.png", (256, 128))
    table(tmp_path / "index.csv", SHEET_COLUMNS, [*cell, "", "TCGA", "", "", ""])
    with pytest.raises(MitosisError, match=message):
        read_folder(tmp_path)


def test_unknown_layout_is_refused_and_the_known_ones_are_named(tmp_path):
    picture(tmp_path / "sheet_00.jpg")
    table(tmp_path / "index.csv", ["sheet", "col", "row"], ["sheet_00", 0, 0])
    with pytest.raises(ImageError, match="not a data set of a known layout") as caught:
        read_folder(tmp_path)
    for layout in FOLDERS.values():
        assert layout.LAYOUT in str(caught.value)


def test_empty_folder_is_no_data_set(tmp_path):
    with pytest.raises(ImageError, match="not a data set of a known layout"):
        read_folder(tmp_path)


def test_missing_folder_is_named(tmp_path):
    with pytest.raises(ImageError, match="absent: no such folder"):
        read_folder(tmp_path / "absent")


def test_several_folders_come_in_the_order_given(tmp_path):
    for folder in ("b", "a"):
        picture(tmp_path / folder / "A00_01.jpg")
        (tmp_path / folder / "A00_01.csv").write_text("")
    assert [image.dataset for image in read_folders([tmp_path / "b", tmp_path / "a"])] == ["b", "a"]
    assert read_folders([]) == []
