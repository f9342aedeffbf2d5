"""`inspect` from end to end."""

import re
from dataclasses import replace

import PIL.Image
import pytest

from training.index import Annotation
from training.store import write_index

FIGURES, IMPOSTERS = [(70, 60), (200, 110), (330, 230)], [(110, 220), (320, 70)]


@pytest.fixture
def images(indexed, drawn):
    return [indexed(drawn("H07_a", (400, 300), FIGURES, IMPOSTERS)), indexed(drawn("H14_a", (400, 300), FIGURES))]


def text_of(page) -> str:
    return " ".join(re.sub(r"<style>.*?</style>|<[^>]*>", " ", page.read_text(encoding="utf-8"), flags=re.S).split())


def test_a_published_set_becomes_a_page_with_its_sheets(command, drawn, write_data, tmp_path):
    data = write_data(tmp_path / "discs", [drawn("H07_00Aa", (400, 300), FIGURES, IMPOSTERS)])
    result = command("inspect", data, "--output", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert result.output.splitlines() == [
        "1 images, 0 of them without a picture",
        "0 contradictions, 0 near-duplicates",
        f"2 sheets; open {tmp_path}/out/index.html",
    ]
    page = (tmp_path / "out/index.html").read_text(encoding="utf-8")
    shown = re.findall(r'<img [^>]*src="([^"]+)"', page)
    assert shown == ["sheets/mf-01.png", "sheets/nmf-01.png"]
    for name in shown:
        PIL.Image.open(tmp_path / "out" / name).verify()
    assert "http" not in page  # it needs nothing from elsewhere
    assert "3 of 3, drawn evenly over 1 slide(s) (seed 0)" in text_of(tmp_path / "out/index.html")


def test_what_training_refuses_is_counted_and_the_rest_is_shown(command, images, tmp_path):
    gone = replace(images[0], dataset="gone", path=tmp_path / "gone.png", missing=True)
    unscaled = replace(images[1], dataset="unscaled", mpp=None)
    write_index(tmp_path / "index", [*images, gone, unscaled], made_from={})
    result = command("inspect", tmp_path / "index", "--output", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "4 images, 1 of them without a picture" in result.output
    text = text_of(tmp_path / "out/index.html")
    assert "1 images have no picture: they are counted here, and not on the sheets." in text
    assert "1 images have no scale: their lengths are in px, limits as if at 0.25 µm/px (30 px for 7.5 µm)" in text
    assert "9 of 12, drawn evenly" in text
    assert "3 lie in images whose picture is missing" in text


def test_contradictions_and_duplicates_are_listed_with_their_place(command, images, tmp_path):
    x, y = FIGURES[0]
    doubtful = (*images[0].annotations, Annotation(x + 4, y, "NMF"), Annotation(x, y + 4, "MF"))
    write_index(tmp_path / "index", [replace(images[0], annotations=doubtful), images[1]], made_from={})
    result = command("inspect", tmp_path / "index", "--output", tmp_path / "out")
    assert "2 contradictions, 1 near-duplicates" in result.output
    assert (tmp_path / "out/sheets/pairs-01.png").exists()
    assert "contradiction drawn H07 H07_a MF at 70, 60 NMF at 74, 60 1.0 µm" in text_of(tmp_path / "out/index.html")


def test_names_cannot_break_the_page(command, images, tmp_path):
    bad = "<script>alert('&\"')</script>"
    named = replace(images[0], dataset=bad, slide=bad, scanner=bad, tumour=bad)
    write_index(tmp_path / "index", [named, images[1]], made_from={})
    assert command("inspect", tmp_path / "index", "--output", tmp_path / "out").exit_code == 0
    page = (tmp_path / "out/index.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 4


def test_a_picture_that_cannot_be_read_is_named_and_ends_with_code_2(command, images, tmp_path):
    write_index(tmp_path / "index", images, made_from={})
    images[0].path.write_bytes(b"no picture")
    result = command("inspect", tmp_path / "index", "--output", tmp_path / "out")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ") and "H07_a.png" in result.stderr
    assert "Could not be read:" in text_of(tmp_path / "out/index.html")


def test_an_inspection_replaces_an_earlier_one_and_nothing_else(command, images, tmp_path):
    write_index(tmp_path / "index", images, made_from={})
    for crops in (5, 1):
        assert command("inspect", tmp_path / "index", "--output", tmp_path / "out", "--crops", crops).exit_code == 0
    assert "1 of 6, drawn evenly" in text_of(tmp_path / "out/index.html")
    result = command("inspect", tmp_path / "index", "--output", tmp_path / "index")
    assert result.exit_code == 5
    assert "which is no result; name another folder with --output" in result.stderr


def test_an_index_of_no_image_is_a_page_too(command, tmp_path):
    write_index(tmp_path / "index", [], made_from={})
    result = command("inspect", tmp_path / "index", "--output", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert "No image." in text_of(tmp_path / "out/index.html")


def test_a_folder_of_nothing_known_ends_with_code_2(command, tmp_path):
    result = command("inspect", tmp_path, "--output", tmp_path / "out")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert not (tmp_path / "out").exists()
