from pathlib import Path

import pytest

from algorithm.errors import MitosisError
from algorithm.frames import Mpp
from training.index import Annotation, IndexedImage
from training.mining.figures import read_list, with_figures


@pytest.fixture
def images():
    return [
        IndexedImage(dataset, name[:3], Path(dataset) / f"{name}.png", (400, 300), Mpp(0.25, 0.25), ())
        for dataset, name in (("one", "H03_a"), ("one", "H03_b"), ("two", "H03_a"))
    ]


@pytest.fixture
def listed(tmp_path):
    def written(text: str, encoding: str = "utf-8"):
        path = tmp_path / "figures.csv"
        path.write_text(text, encoding=encoding)
        return path

    return written


def marked(images, path):
    return [[(a.x, a.y) for a in image.annotations] for image in with_figures(images, read_list(path), path.name)]


def test_lines_of_the_list_of_mined_places_are_taken_as_they_are(images, listed):
    path = listed("cell,dataset,slide,image,x,y,score\n3,one,H03,H03_a,10.5,20.0,0.71\n9,two,H03,H03_a,30,40,0.3\n")
    assert marked(images, path) == [[(10.5, 20)], [], [(30, 40)]]
    assert with_figures(images, read_list(path), "x")[0].annotations == (Annotation(10.5, 20, "MF"),)


def test_three_columns_are_enough_where_the_name_is_one_image(images, listed):
    assert marked(images, listed("image,x,y\nH03_b,1,2\n", "utf-8-sig")) == [[], [(1, 2)], []]


def test_an_empty_list_changes_nothing(images, listed):
    assert with_figures(images, read_list(listed("image,x,y\n")), "x") == images


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column image, x, y"),
        ("image;x;y\n", "no column image, x, y"),
        ("image,x\n", "no column y; the first line names image, x, y"),
        ("image,x,y\nH03_b,1,one\n", "line 2: x '1' and y 'one' are no place"),
        ("image,x,y\nH03_b,1,nan\n", "line 2: .* are no place"),
        ("image,x,y\nH03_b,1\n", "line 2: x '1' and y None are no place"),
        ("image,x,y\nH03_b,1,1\nH03_c,1,1\n", "line 3: image 'H03_c' is in no data set"),
        ("image,x,y\nH03_a,1,1\n", "image 'H03_a' is in 2 data sets; name one in a column dataset"),
        ("image,x,y\nH03_b,1,301\n", r"line 2: \(1, 301\) lies outside of H03_b, 400 x 300 px"),
    ],
)
def test_a_list_that_names_no_place_is_refused(images, listed, text, message):
    with pytest.raises(MitosisError, match=message):
        marked(images, listed(text))


def test_a_list_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(MitosisError, match="cannot be read as a CSV"):
        read_list(tmp_path / "absent.csv")
