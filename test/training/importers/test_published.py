"""The published data sets as they are: counted by hand once, so that an importer that loses places is noticed."""

from collections import Counter

import numpy as np
import pytest

from algorithm.images import open_image
from training.importers import read_folder
from training.opening import open_picture


@pytest.mark.parametrize(
    ("name", "images", "figures", "imposters"),
    [
        ("icpr2012_train", 35, 226, 0),
        ("icpr2012_test", 15, 101, 0),
        ("mitos14", 35, 136, 138),
        ("mitos14_patches", 438, 539, 141),
        ("canine_tiles", 35, 0, 10),
        ("mf_crops", 4253, 4253, 0),
    ],
)
def test_all_images_and_places_are_read(shared, name, images, figures, imposters):
    found = read_folder(shared(name))
    assert len(found) == images
    assert sum(len(image.places("MF")) for image in found) == figures
    assert sum(len(image.places("NMF")) for image in found) == imposters
    for image in found:
        assert all(0 <= a.x <= image.size[0] and 0 <= a.y <= image.size[1] for a in image.annotations), image.path
        assert image.dataset == name


def test_figures_of_each_slide_of_icpr(shared):
    figures = Counter()
    for image in read_folder(shared("icpr2012_train")):
        figures[image.slide] += len(image.places("MF"))
        assert image.mpp == (0.2456, 0.2456)
    assert figures == {"A00": 21, "A01": 56, "A02": 25, "A03": 82, "A04": 42}


def test_figures_of_each_slide_of_mitos14(shared):
    figures, frames = Counter(), Counter()
    for image in read_folder(shared("mitos14")):
        figures[image.slide] += len(image.places("MF"))
        frames[image.slide] += 1
        assert image.mpp.x == {"A": 0.2455, "H": 0.2275}[image.name[0]]
    assert figures == {
        "H03": 35, "H04": 42, "H05": 27, "H07": 8, "H11": 6, "H12": 2, "H14": 7, "H15": 5, "H18": 4,
    }  # fmt: skip
    assert (frames["H03"], frames["H04"]) == (6, 6)  # one of H03 by the other scanner


def test_figures_are_darker_than_what_is_around_them(shared):
    darker = []
    for image in read_folder(shared("icpr2012_test"))[:2]:
        with open_image(image.path) as opened:
            pixels = opened.read(0, 0, *image.size).mean(axis=2)
        for x, y in image.places("MF"):
            row, column = int(y), int(x)
            cell = pixels[max(0, row - 8) : row + 8, max(0, column - 8) : column + 8]
            around = pixels[max(0, row - 60) : row + 60, max(0, column - 60) : column + 60]
            darker.append(float(around.mean() - cell.mean()))
    assert len(darker) > 5
    assert np.median(darker) > 20


def test_crops_of_one_slide_of_midog_know_it_and_the_others_are_slides_of_their_own(shared):
    by_tumour: dict[str, list] = {}
    for image in read_folder(shared("mf_crops")):
        by_tumour.setdefault(image.tumour, []).append(image)
        assert image.mpp == (0.25, 0.25)
    midog21 = by_tumour["human breast (MIDOG21)"]
    assert len(midog21) == 700
    assert {image.slide[:6] for image in midog21} == {"MIDOG/"}
    assert Counter(image.scanner for image in midog21) == {
        "Hamamatsu XR": 194, "Hamamatsu S360": 222, "Aperio CS2": 284,
    }  # fmt: skip
    tupac = by_tumour["human breast (TUPAC16)"]
    assert {"TUPAC/06", "TUPAC/24"} < {image.slide for image in tupac} <= {f"TUPAC/{n:02}" for n in range(1, 74)}
    unknown = by_tumour["human breast (TCGA)"]
    assert len({image.slide for image in unknown}) == len(unknown) == 746


def test_crops_hold_a_figure_in_their_middle(shared):
    darker = []
    for image in read_folder(shared("mf_crops"))[::200]:
        with open_picture(image) as opened:
            pixels = opened.read(0, 0, *image.size).mean(axis=2)
        darker.append(float(pixels.mean() - pixels[56:72, 56:72].mean()))
    assert len(darker) > 20
    assert np.median(darker) > 20
