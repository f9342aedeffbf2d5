"""Published annotation files as they are, without their pictures: known counts, and places that two files both tell."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from training.importers import FORMATS, read_folder
from training.importers.base import Options
from training.index import IndexedImage, check

NO_PICTURES = Options(allow_missing=True)


@pytest.fixture
def annotations(shared) -> Path:
    return shared("annotations")


def read(name: str, source: Path, options: Options = NO_PICTURES) -> list[IndexedImage]:
    images = FORMATS[name].read(source, options).images
    check(images, source.name)
    return images


def cells(image: IndexedImage) -> list[tuple[float, float, str]]:
    return sorted((cell.x, cell.y, cell.label) for cell in image.annotations)


def named(images: list[IndexedImage]) -> dict[str, IndexedImage]:
    return {image.name: image for image in images}


@pytest.mark.parametrize(
    ("name", "file", "images", "figures", "imposters", "slides"),
    [
        ("midog", "MIDOG++.json", 503, 11_937, 14_349, 503),
        ("midog", "MIDOG.json", 150, 1_721, 2_714, 150),
        ("sliderunner", "MIDOG.sqlite", 150, 1_721, 2_714, 150),
        ("midog25", "MIDOG25.csv", 475, 11_937, 0, 475),
        ("sliderunner", "TUPAC_alternativeLabels_training.sqlite", 73, 1_898, 5_340, 73),
        ("sliderunner", "TUPAC.sqlite", 656, 1_552, 0, 73),
        ("sliderunner", "MITOS2012.sqlite", 35, 226, 0, 5),
        ("sliderunner", "MITOS2012_test.sqlite", 15, 101, 0, 5),
        ("sliderunner", "MITOS2014.sqlite", 1200, 749, 2_884, 11),
        ("mitos14", "mitos14_aperio_points.csv", 865, 749, 2_884, 11),
    ],
)
def test_all_places_of_a_published_file_are_read(annotations, name, file, images, figures, imposters, slides):
    found = read(name, annotations / file)
    assert len(found) == images
    assert sum(len(image.places("MF")) for image in found) == figures
    assert sum(len(image.places("NMF")) for image in found) == imposters
    assert len({image.slide for image in found}) == slides


def test_midogpp_tells_what_is_left_out_and_what_is_moved(annotations):
    found = FORMATS["midog"].read(annotations / "MIDOG++.json", NO_PICTURES)
    assert Counter(one.why for one in found.dropped) == {"no annotation at all: not labelled, so no negative": 50}
    assert [one.what for one in found.changed] == [
        "305.tiff: a MF at (-2, 2416)", "309.tiff: a NMF at (4211, -5)",
    ]  # fmt: skip


def test_metadata_of_midogpp(annotations):
    table = annotations / "datasets_xvalidation.csv"
    found = read("midog", annotations / "MIDOG++.json", Options(allow_missing=True, metadata=table))
    assert Counter(image.scanner for image in found) == {
        "3D Histech": 199, "Hamamatsu XR": 154, "Aperio CS2": 100, "Hamamatsu S360": 50,
    }  # fmt: skip
    assert Counter(image.species for image in found) == {"canine": 249, "human": 254}


def test_json_and_sqlite_of_midog_agree_place_by_place(annotations):
    of_json = named(read("midog", annotations / "MIDOG.json"))
    of_sqlite = named(read("sliderunner", annotations / "MIDOG.sqlite"))
    assert {name: cells(image) for name, image in of_json.items()} == {
        name: cells(image) for name, image in of_sqlite.items()
    }
    assert {image.slide for image in of_json.values()} == {image.slide for image in of_sqlite.values()}


def test_midog_is_a_part_of_midogpp_on_the_same_glass(annotations):
    whole = {image.slide: cells(image) for image in read("midog", annotations / "MIDOG++.json")}
    part = {image.slide: cells(image) for image in read("midog", annotations / "MIDOG.json")}
    assert part.items() <= whole.items()


def test_midog25_is_midogpp_without_imposters_in_whole_pixels(annotations):
    whole = {image.slide: image for image in read("midog", annotations / "MIDOG++.json")}
    for image in read("midog25", annotations / "MIDOG25.csv"):
        places = sorted((int(x), int(y)) for x, y in whole[image.slide].places("MF"))
        assert sorted(image.places("MF")) == places


def test_the_two_files_of_mitos14_agree(annotations):
    frames = named(read("sliderunner", annotations / "MITOS2014.sqlite"))
    merged = named(read("mitos14", annotations / "mitos14_aperio_points.csv"))
    assert all(cells(image) == cells(frames[name]) for name, image in merged.items())
    assert all(not frames[name].annotations for name in frames.keys() - merged.keys())


def test_boxes_of_mitos14_are_the_figures_of_its_points(shared):
    points = named(read_folder(shared("mitos14")))
    boxes = named(read("voc", shared("mitos14")))
    assert len(boxes) == 34
    assert all(image.places("MF") == points[name].places("MF") for name, image in boxes.items())
    assert sum(image.size[0] == 1662 for image in boxes.values()) == 8  # 1663 in the XML


def test_contest_tables_of_mitos14_beside_their_frame(shared):
    [frame] = read("mitos14", shared("mitos14"))
    assert (frame.places("MF"), frame.places("NMF"), frame.size) == ([(1094, 1223)], [(1375, 542)], (1539, 1376))


@pytest.mark.parametrize(("contours", "points"), [("icpr2012_train", "MITOS2012"), ("icpr2012_test", "MITOS2012_test")])
def test_contours_of_icpr_lie_around_the_published_points(shared, annotations, contours, points):
    of_contours = named(read_folder(shared(contours)))
    of_points = named(read("sliderunner", annotations / f"{points}.sqlite", Options(images=shared(contours))))
    distances = []
    for name, image in of_contours.items():
        one, other = (np.array(each.places("MF")).reshape(-1, 2) for each in (image, of_points[name]))
        apart = np.hypot(*(one[:, None] - other[None]).transpose(2, 0, 1))
        distances += apart[linear_sum_assignment(apart)].tolist()
        assert len(one) == len(other)
    assert np.median(distances) < 2  # measured: 1.8 px; 4.5 px in 95 %
    assert max(distances) < 7  # 6.5 px
