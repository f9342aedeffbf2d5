"""A small run that is started as a user starts it, in a process that may die."""

import csv
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch

from training.model import load_checkpoint

ROOT = Path(__file__).resolve().parents[3]
ENDS_WITHIN_S = 300


@pytest.fixture(scope="session")
def small_config(tmp_path_factory, write_slides, write_config) -> Path:
    """Six iterations on three drawn slides, saved every two, with a look in the middle."""
    folder = tmp_path_factory.mktemp("small")
    data = write_slides(folder / "drawn", ("H03", "H05", "H07"))
    return write_config(folder / "small.py", data, ["H07"], iterations=6, watch_every=3)


@pytest.fixture(scope="session")
def python() -> Callable[..., subprocess.CompletedProcess]:
    """Return a function that runs python on one thread, as sums in another order would hide a wrong draw."""

    def run(*arguments: object, before: Sequence[str] = ()) -> subprocess.CompletedProcess:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        command = [*before, sys.executable, *map(str, arguments)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=ENDS_WITHIN_S)

    return run


@pytest.fixture(scope="session")
def train(python, small_config) -> Callable[..., subprocess.CompletedProcess]:
    """Return a function that trains as from a shell."""

    def run(work_dir: Path, *more: object, before: Sequence[str] = ()) -> subprocess.CompletedProcess:
        return python("-m", "training", "train", small_config, "--work-dir", work_dir, *more, before=before)

    return run


@pytest.fixture
def resume(command, small_config) -> Callable[[Path], None]:
    """Return a function that goes on with a run: in this process, which has what a new one would import for seconds."""

    def run(work_dir: Path) -> None:
        before = torch.get_num_threads()
        torch.set_num_threads(1)  # as `python` does
        try:
            ended = command("train", small_config, "--work-dir", work_dir, "--resume")
        finally:
            torch.set_num_threads(before)
        assert ended.exit_code == 0, ended.output

    return run


@pytest.fixture(scope="session")
def whole(tmp_path_factory, train) -> Path:
    """The work dir of a run that nothing happened to."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    ended = train(folder)
    assert ended.returncode == 0, ended.stderr
    return folder


@pytest.fixture(scope="session")
def alike() -> Callable[[Path, Path], None]:
    """Return a function that asserts that two runs ended alike: averages, looks, and where asked the losses.

    Losses are means since the row before or since the run went on: only rows of single steps can be compared.
    """

    def compare(one: Path, other: Path, *, logs: Sequence[str] = ("held_back.csv",)) -> None:
        assert {path.name for path in one.glob("ema-*")} == {path.name for path in other.glob("ema-*")}
        for path in one.glob("ema-*.pth"):
            states = [load_checkpoint(folder / path.name)[0].state_dict() for folder in (one, other)]
            apart = max(float((states[0][name] - states[1][name]).abs().max()) for name in states[0])
            assert apart < 1e-5, path.name  # a wrong draw would be off by the learning rate, 1e-3
        for name in logs:
            rows = [_rows(folder / name) for folder in (one, other)]
            assert [list(row) for row in rows[0]] == [list(row) for row in rows[1]]
            for row, expected in zip(*rows, strict=True):
                assert {key: row[key] for key in row if key != "seconds"} == pytest.approx(
                    {key: expected[key] for key in expected if key != "seconds"}, rel=1e-3, abs=1e-5
                )
        assert not list(one.glob("*.part"))

    return compare


def _rows(path: Path) -> list[dict[str, float]]:
    with path.open(newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
