"""A run that is killed goes on as if it had not been, whenever it was."""

import signal
from functools import partial

import pytest

import training.run

# each kills the process at one moment; what follows is the command line of training
MOMENTS = {
    "in the first step": """
import training.loop
step = training.loop.ResumingTrainLoop.run_iter
training.loop.ResumingTrainLoop.run_iter = lambda *arguments: die()
""",
    "before the first checkpoint": """
import training.hooks.checkpoint
training.hooks.checkpoint.save_whole = lambda *arguments: die()
""",
    "between two checkpoints": """
import training.loop
step = training.loop.ResumingTrainLoop.run_iter
def dying(loop, batch):
    step(loop, batch)
    if loop._iter == 5:
        die()
training.loop.ResumingTrainLoop.run_iter = dying
""",
    "with half of a checkpoint written": """
import mmengine.runner
def half(runner, folder, name, **_):
    if "iter_4" in name:
        open(f"{folder}/{name}", "wb").write(b"half of it")
        die()
    save(runner, folder, name, **_)
save = mmengine.runner.Runner.save_checkpoint
mmengine.runner.Runner.save_checkpoint = half
""",
    "between the averages": """
import training.hooks.ema
save, saved = training.hooks.ema.save_checkpoint, []
def one_alone(path, *rest):
    save(path, *rest)
    saved.append(path)
    if len(saved) == 7:  # two with the first checkpoint, four of the look, one of the second
        die()
training.hooks.ema.save_checkpoint = one_alone
""",
    "in the middle of a line of the log": """
import training.hooks.progress
append = training.hooks.progress.append_row
def cut(path, row):
    append(path, row)
    if row["iteration"] == 5 and path.name == "losses.csv":
        text = path.read_text()
        path.write_text(text[:-9])
        die()
training.hooks.progress.append_row = cut
""",
    "after the last checkpoint, before the end": """
import training.hooks.checkpoint
save = training.hooks.checkpoint.save_whole
def last(runner, done):
    save(runner, done)
    if done == 6:
        die()
training.hooks.checkpoint.save_whole = last
""",
}

SCRIPT = """
import os, runpy, signal, sys
def die():
    os.kill(os.getpid(), signal.SIGKILL)
from functools import partial
import training.run
training.run.ProgressHook = partial(training.run.ProgressHook, every=1)
{moment}
sys.argv[0] = "training"
runpy.run_module("training", run_name="__main__")
"""


@pytest.fixture
def run(tmp_path, python, small_config):
    """Return a function that trains, and dies at a moment."""

    def trained(moment: str):
        script = tmp_path / "script.py"
        script.write_text(SCRIPT.format(moment=moment))
        return python(script, "train", small_config, "--work-dir", tmp_path / "run")

    return trained


@pytest.fixture(scope="module")
def whole(tmp_path_factory, python, small_config):
    """A run with a row of the log for each step, that nothing happened to."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "script.py").write_text(SCRIPT.format(moment=""))
    ended = python(folder / "script.py", "train", small_config, "--work-dir", folder / "run")
    assert ended.returncode == 0, ended.stderr
    return folder / "run"


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_run_that_is_killed_ends_as_if_it_had_not_been(tmp_path, run, resume, whole, alike, moment, monkeypatch):
    killed = run(MOMENTS[moment])
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    monkeypatch.setattr(training.run, "ProgressHook", partial(training.run.ProgressHook, every=1))
    resume(tmp_path / "run")
    alike(tmp_path / "run", whole, logs=("losses.csv", "held_back.csv"))
