"""Two processes on one training, over gloo on this machine's cores."""

import csv
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import training.run
from training.importers import read_folders
from training.index import without_slides
from training.runner import make_loader
from training.settings import SettingsError, load_settings

ROOT = Path(__file__).resolve().parents[3]
BATCH, ITERATIONS = 2, 6

# what each process drew and what it ended with; killed after the step that is named
SCRIPT = """
import json, os, runpy, signal, sys
import torch
import training.loop, training.runner
from training import processes
from training.sampling import PatchSampler

rank, folder, dies_after = os.environ["RANK"], sys.argv.pop(), int(sys.argv.pop())
drawn = []

class Noted(PatchSampler):
    def __iter__(self):
        for draw in super().__iter__():
            drawn.append(draw)
            yield draw

training.runner.PatchSampler = Noted
step = training.loop.ResumingTrainLoop.run_iter

def noted(loop, batch):
    step(loop, batch)
    if loop._iter == dies_after and rank == "1":
        os.kill(os.getpid(), signal.SIGKILL)
    if loop._iter == loop._max_iters:
        torch.save(dict(processes.own(loop.runner.model).named_parameters()), f"{folder}/weights-{rank}.pth")
        json.dump(drawn, open(f"{folder}/drawn-{rank}.json", "w"))

training.loop.ResumingTrainLoop.run_iter = noted
sys.argv[0] = "training"
runpy.run_module("training", run_name="__main__")
"""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture(scope="module")
def torchrun(tmp_path_factory, small_config):
    """Return a function that trains with two processes."""
    script = tmp_path_factory.mktemp("script") / "script.py"
    script.write_text(SCRIPT)

    def run(notes: Path, *more: object, dies_after: int = 0) -> subprocess.CompletedProcess:
        notes.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
        command += ["--master-addr", "127.0.0.1", "--master-port", str(free_port()), str(script), "train"]
        command += [str(small_config), "--work-dir", str(notes / "run"), *map(str, more), str(dies_after), str(notes)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=400)

    return run


@pytest.fixture(scope="module")
def finished(tmp_path_factory, torchrun) -> Path:
    folder = tmp_path_factory.mktemp("two")
    ended = torchrun(folder)
    assert ended.returncode == 0, ended.stderr
    return folder


def weights_of(folder: Path, rank: int) -> dict[str, torch.Tensor]:
    return torch.load(folder / f"weights-{rank}.pth")


def test_both_processes_end_with_the_same_weights_and_one_set_of_files(finished):
    one, other = weights_of(finished, 0), weights_of(finished, 1)
    assert all(torch.equal(one[name], other[name]) for name in one)
    files = {path.name for path in (finished / "run").glob("*") if path.is_file() and path.suffix != ".py"}
    assert {"ema-0.005.pth", "ema-0.001.pth", "iter_6.pth", "losses.csv", "held_back.csv"} <= files
    with (finished / "run/losses.csv").open(newline="") as file:
        assert [row["iteration"] for row in csv.DictReader(file)] == ["6"]


def test_every_draw_of_one_process_is_made_by_one_of_the_two(finished, small_config, monkeypatch):
    settings = load_settings(small_config)
    draws = iter(make_loader(settings, without_slides(read_folders(settings.data), ["H07"])).batch_sampler.sampler)
    alone = [next(draws) for _ in range(2 * BATCH * ITERATIONS)]
    halves = [json.loads((finished / f"drawn-{rank}.json").read_text())[: BATCH * ITERATIONS] for rank in (0, 1)]
    for rank, half in enumerate(halves):
        assert [tuple(draw) for draw in half] == alone[rank::2]


def test_a_run_that_loses_a_process_ends_and_goes_on_as_if_it_had_not(tmp_path, torchrun, finished):
    killed = torchrun(tmp_path, dies_after=3)
    assert killed.returncode != 0 and (tmp_path / "run/iter_2.pth").exists()
    assert not (tmp_path / "run/iter_4.pth").exists()
    resumed = torchrun(tmp_path, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    one, other = weights_of(tmp_path, 0), weights_of(finished, 0)
    assert max(float((one[name] - other[name]).detach().abs().max()) for name in one) < 1e-5


def test_another_number_of_processes_does_not_go_on_with_it(finished, small_config):
    with pytest.raises(SettingsError, match=r"began with 2 process\(es\), this one has 1"):
        (finished / "run/iter_6.pth").rename(finished / "run/iter_5.pth")  # as if a step were left
        try:
            training.run.train(load_settings(small_config), finished / "run", resume=True)
        finally:
            (finished / "run/iter_5.pth").rename(finished / "run/iter_6.pth")
