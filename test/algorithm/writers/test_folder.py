"""Whole or not there: what happens to folders when something goes wrong in the middle."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from algorithm.atomic import whole_folder, write_bytes
from algorithm.errors import OutputError
from algorithm.frames import Mpp
from algorithm.writers import folder as folder_writer
from algorithm.writers import write_all

NAMES = ["mitotic-figures.csv", "mitotic-figures.json", "overlay.png", "run.json"]


@pytest.fixture
def write(detections_of, memory_image, record):
    """Return a function that writes a result of n figures into a folder."""

    def written(folder, n=1):
        image = memory_image(np.full((100, 200, 3), 230, np.uint8), Mpp(0.5, 0.5))
        write_all(folder, detections_of([(20 + n, 30, 0.9)] * n, size=(200, 100)), image, record)

    return written


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_result_is_four_files_and_nothing_else(tmp_path, write):
    write(tmp_path / "out" / "a")
    assert sorted(tree(tmp_path)) == [f"out/a/{name}" for name in NAMES]


def test_an_earlier_result_is_replaced(tmp_path, write):
    write(tmp_path / "a", n=1)
    before = tree(tmp_path)
    write(tmp_path / "a", n=2)
    after = tree(tmp_path)
    assert sorted(after) == sorted(before)
    assert all(after[name] != before[name] for name in before)


@pytest.mark.parametrize("error", [OutputError("disk full"), OSError(28, "No space left on device"), RuntimeError()])
def test_a_writer_that_fails_leaves_no_folder_and_keeps_the_earlier_result(tmp_path, write, monkeypatch, error):
    write(tmp_path / "old")
    before = tree(tmp_path)

    def fails(*_):
        raise error

    monkeypatch.setattr(folder_writer.overlay, "write", fails)
    for name in ("old", "new"):
        expected = RuntimeError if isinstance(error, RuntimeError) else OutputError
        with pytest.raises(expected):
            write(tmp_path / name, n=2)
    assert tree(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


def test_a_result_from_before_there_was_a_record_is_replaced(tmp_path, write):
    write(tmp_path / "a")
    (tmp_path / "a" / "run.json").unlink()
    write(tmp_path / "a", n=2)
    assert sorted(tree(tmp_path)) == [f"a/{name}" for name in NAMES]


def test_a_name_that_no_folder_can_have_is_said(tmp_path, write):
    for length in (251, 300):  # of 251, only the temporary name is too long
        with pytest.raises(OutputError, match=r"x: cannot be written \(File name too long\)"):
            write(tmp_path / ("x" * length))
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_replaced(tmp_path, write):
    (tmp_path / "a.part" / "deeper").mkdir(parents=True)
    (tmp_path / "a.part" / "overlay.png").write_bytes(b"half")
    write(tmp_path / "a")
    assert sorted(tree(tmp_path)) == [f"a/{name}" for name in NAMES]


def test_a_folder_that_is_no_result_is_left_alone(tmp_path, write):
    own = tmp_path / "slides" / "case1.tif"
    own.parent.mkdir()
    own.write_bytes(b"somebody's slide")
    with pytest.raises(OutputError, match=r"slides: holds case1.tif, which is no result; name another folder"):
        write(tmp_path / "slides")
    assert tree(tmp_path) == {"slides/case1.tif": b"somebody's slide"}


@pytest.mark.parametrize("name", [".git", ".env"])
def test_hidden_files_are_somebodys_too(tmp_path, write, name):
    write(tmp_path / "a")
    (tmp_path / "a" / name).write_text("mine")
    before = tree(tmp_path)
    with pytest.raises(OutputError, match=rf"a: holds \{name}, which is no result"):
        write(tmp_path / "a", n=2)
    assert tree(tmp_path) == before


def test_what_a_file_manager_left_is_no_hindrance(tmp_path, write):
    write(tmp_path / "a")
    (tmp_path / "a" / ".DS_Store").write_bytes(b"icons")
    write(tmp_path / "a", n=2)
    assert sorted(tree(tmp_path)) == [f"a/{name}" for name in NAMES]


def test_a_file_in_the_place_of_the_folder_is_left_alone(tmp_path, write):
    (tmp_path / "a").write_text("mine")
    with pytest.raises(OutputError, match="a: cannot be written"):
        write(tmp_path / "a")
    assert tree(tmp_path) == {"a": b"mine"}


def test_a_file_is_replaced_whole(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_bytes(path, b"old")
    part = tmp_path / "a.json.part"
    part.write_bytes(b"half of a killed run")
    os.utime(part, (0, 0))
    write_bytes(path, b"new")
    assert tree(tmp_path) == {"a.json": b"new"}

    def fails(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(type(path), "replace", fails)
    with pytest.raises(OutputError, match=r"a.json: cannot be written \(Input/output error\)"):
        write_bytes(path, b"newer")
    assert tree(tmp_path) == {"a.json": b"new"}


def test_a_file_that_another_job_writes_just_now_is_left_to_it(tmp_path):
    part = tmp_path / "a.json.part"
    part.write_bytes(b"half of the other's")
    write_bytes(tmp_path / "a.json", b"mine")
    assert tree(tmp_path) == {"a.json": b"mine", "a.json.part": b"half of the other's"}


def test_jobs_that_write_one_file_at_once_leave_a_whole_one(tmp_path):
    contents = [bytes([number]) * 1_000_000 for number in range(8)]
    with ThreadPoolExecutor(8) as jobs:
        list(jobs.map(lambda content: write_bytes(tmp_path / "a.json", content), contents * 4))
    assert list(tree(tmp_path)) == ["a.json"]
    assert (tmp_path / "a.json").read_bytes() in contents


def test_the_folder_is_there_only_when_the_block_is_done(tmp_path):
    with whole_folder(tmp_path / "a") as part:
        (part / "x").write_text("x")
        assert os.listdir(tmp_path) == ["a.part"]
    assert os.listdir(tmp_path) == ["a"]
