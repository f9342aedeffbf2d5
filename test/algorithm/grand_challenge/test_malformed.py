"""Hundreds of malformed images: each ends with a valid result or one clear error, soon, in little memory, no crash."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from algorithm.errors import ImageError
from algorithm.images import open_image, trial

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).parent
MOST_MB = 1000
LEAST_FILES = 100


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("malformed")
    subprocess.run([sys.executable, ROOT / "test/input/make_malformed.py", folder], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def ended(corpus, tiny_bundle, tmp_path_factory) -> list[dict]:
    """How the platform's path ended for each file, all in one process."""
    command = [sys.executable, HERE / "run_each.py", corpus, tiny_bundle, tmp_path_factory.mktemp("scratch") / "case"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    lines = process.stdout.splitlines()
    assert process.returncode == 0, f"signal {-process.returncode}: {lines[-1:]}, {process.stderr[-500:]}"
    return [json.loads(line) for line in lines if line.startswith("{")]


def test_each_file_ends_with_a_valid_result_or_a_clear_error(corpus, ended):
    assert len(ended) == len(list(corpus.iterdir())) >= LEAST_FILES
    assert [one for one in ended if one["outcome"].startswith("BUG")] == []
    results = sum(one["outcome"].startswith("result") for one in ended)
    assert 0 < results < len(ended)  # a flipped byte may be harmless; a file that is cut short is not
    assert all(not one["outcome"].startswith("result") for one in ended if one["file"].startswith("cut-0.01"))


def test_none_takes_more_than_a_gigabyte(ended):
    assert max(one["mb"] for one in ended) < MOST_MB


def test_a_tiff_whose_pages_go_in_a_circle_is_refused(corpus):
    with pytest.raises(ImageError, match="follow each other in a circle"):
        open_image(corpus / "chain-itself-aperio.tif")


@pytest.mark.parametrize("name", ["tag-TileLength-1073741824-aperio.tif", "tag-TileWidth-1073741824-aperio.tif"])
def test_a_slide_on_which_openslide_aborts_is_refused(corpus, name):
    with pytest.raises(ImageError, match=r"OpenSlide crashes on it \(SIGABRT\)"):
        open_image(corpus / name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("header-ElementDataFile-2.mha", "pixels in a list of files"),
        ("header-ElementDataFile-5.mha", "pixels in a list of files"),
        ("header-HeaderSize-2.mha", "no flat image by its header"),
        ("header-NDims-1.mha", "no flat image by its header"),  # SimpleITK dies of it
    ],
)
def test_an_image_that_simpleitk_fills_with_nothing_is_refused(corpus, name, reason):
    with pytest.raises(ImageError, match=reason):
        open_image(corpus / name)


def test_a_library_that_hangs_is_given_up(corpus, monkeypatch):
    monkeypatch.setattr(trial, "PATIENCE_S", 0.01)
    with pytest.raises(ImageError, match="OpenSlide hangs on it"):
        open_image(corpus / "tag-TileByteCounts-0-aperio.tif")


def test_the_same_seed_makes_the_same_files(corpus, tmp_path):
    subprocess.run([sys.executable, ROOT / "test/input/make_malformed.py", tmp_path], check=True, capture_output=True)
    changed = [path.name for path in tmp_path.iterdir() if path.read_bytes() != (corpus / path.name).read_bytes()]
    assert changed == []
