from dataclasses import replace
from pathlib import Path

import pytest

from algorithm.errors import MitosisError
from algorithm.frames import Mpp
from training.index import Annotation, IndexedImage, of_slides, without_slides


def image(slide: str, *annotations: Annotation) -> IndexedImage:
    return IndexedImage("set", slide, Path(f"{slide}_01.jpg"), (10, 10), Mpp(0.25, 0.25), annotations)


IMAGES = [image("H03"), image("H04"), image("H03"), image("A03")]


def test_places_are_those_of_one_kind_in_order():
    one = image("H03", Annotation(1, 2, "MF"), Annotation(3, 4, "NMF"), Annotation(0, 9, "MF"))
    assert one.places("MF") == [(1, 2), (0, 9)]
    assert one.places("NMF") == [(3, 4)]
    assert one.name == "H03_01"


def test_held_back_slides_are_left_out():
    assert [one.slide for one in without_slides(IMAGES, ["H03"])] == ["H04", "A03"]
    assert without_slides(IMAGES, []) == IMAGES
    assert without_slides([], ["H03"]) == []


def test_a_slide_is_held_back_with_its_glass_wherever_that_is_named():
    twin = replace(image("A04"), glass="H04")
    images = [*IMAGES, twin]
    assert twin not in without_slides(images, ["H04"])
    assert [one.slide for one in without_slides(images, ["A04"])] == ["H03", "H03", "A03"]
    assert twin in without_slides(images, ["H03"])


def test_chosen_slides_keep_their_order():
    assert of_slides(IMAGES, ["A03", "H03"]) == [IMAGES[0], IMAGES[2], IMAGES[3]]


def test_unknown_slide_is_an_error_not_an_empty_set():
    with pytest.raises(MitosisError, match=r"no image of slide\(s\) H07, H99 in the data"):
        of_slides(IMAGES, ["H03", "H99", "H07"])
