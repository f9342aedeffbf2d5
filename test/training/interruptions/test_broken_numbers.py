"""Losses and gradients that are no numbers: the run ends before they reach a weight."""

import math

import pytest
import torch

import training.run
from training.loop import DivergedError, ResumingTrainLoop
from training.settings import load_settings

BROKEN_AT = 3  # after the first checkpoint, which comes with the second step


@pytest.fixture
def breaking(monkeypatch):
    """Let the loss of one step be no number."""
    step = ResumingTrainLoop.run_iter

    def broken(loop, batch):
        if loop._iter + 1 == BROKEN_AT:
            for image in batch["inputs"]:
                image[:] = 0
            weights = next(loop.runner.model.parameters())
            monkeypatch.setattr(
                loop.runner.model, "loss", lambda *_, **__: {"loss_cls": weights.sum() * torch.tensor(math.nan)}
            )
        step(loop, batch)

    monkeypatch.setattr(ResumingTrainLoop, "run_iter", broken)


def test_a_loss_that_is_no_number_ends_the_run_and_spoils_nothing(tmp_path, small_config, breaking):
    with pytest.raises(DivergedError, match=r"batch 3: .*not finite.*nothing was overwritten"):
        training.run.train(load_settings(small_config), tmp_path, resume=False)
    checkpoints = sorted(path.name for path in tmp_path.glob("*.pth"))
    assert checkpoints == ["ema-0.001.pth", "ema-0.005.pth", "iter_2.pth"]
    for name in checkpoints:
        state = torch.load(tmp_path / name, weights_only=True)["state_dict"]
        assert all(tensor.isfinite().all() for tensor in state.values())


def test_the_command_ends_with_code_4_and_says_what_to_do(tmp_path, small_config, breaking, command):
    result = command("train", small_config, "--work-dir", tmp_path)
    assert result.exit_code == 4, result.output
    assert "at learning rate" in result.output and "lower learning_rate" in result.output


def test_a_run_of_another_class_count_is_not_gone_on_with(whole, small_config, command):
    before = {path.name: path.read_bytes() for path in whole.glob("*.pth")}
    result = command("train", small_config, "--work-dir", whole, "--resume", "--set", "classes=2")
    assert result.exit_code == 2 and "began with another classes, model" in result.output
    assert {path.name: path.read_bytes() for path in whole.glob("*.pth")} == before
