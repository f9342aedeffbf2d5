from types import SimpleNamespace

import pytest
import torch

from training.hooks.ema import MultiEmaHook, ema_path
from training.model import Facts


class Norm(torch.nn.Module):
    """One weight, and batch norm's buffers."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.norm = torch.nn.BatchNorm2d(1)

    def set(self, value: float) -> None:
        with torch.no_grad():
            self.weight.fill_(value)
            self.norm.running_mean.fill_(value)


FACTS = Facts(0.5, 16.0, ["mitotic figure"], "", {}, {})


@pytest.fixture
def averaged():
    """Return a function that feeds values to averages and gives them back: {momentum: network}."""

    def fed(momentums: list[float], values: list[float]) -> dict:
        network = Norm()
        runner = SimpleNamespace(model=network)
        hook = MultiEmaHook(momentums, FACTS)
        hook.before_run(runner)
        for number, value in enumerate(values):
            network.set(value)
            network.norm.num_batches_tracked.fill_(number + 1)
            hook.after_train_iter(runner, number)
        return {momentum: average.module for momentum, average in hook.averages.items()}

    return fed


def rule(momentum: float, values: list[float]) -> float:
    """Return the average by its definition: the first value, then lerp by max(momentum, 1 / (1 + step))."""
    average = values[0]
    for step, value in enumerate(values[1:], start=1):
        average += max(momentum, 1 / (1 + step)) * (value - average)
    return average


def test_constant_weight_stays_as_it_is(averaged):
    for network in averaged([1e-3, 5e-4], [0.75] * 50).values():
        assert network.weight.item() == 0.75
        assert network.norm.running_mean.item() == 0.75


def test_initial_weights_leave_no_trace(averaged):
    [network] = averaged([1e-3], [3.0]).values()
    assert network.weight.item() == 3.0


@pytest.mark.parametrize("momentum", [0.1, 0.02, 1e-3])
def test_average_follows_its_rule(averaged, momentum):
    values = [float(torch.randn(1, generator=torch.Generator().manual_seed(n))) for n in range(300)]
    [network] = averaged([momentum], values).values()
    assert network.weight.item() == pytest.approx(rule(momentum, values), abs=1e-5)


def test_average_converges_to_where_the_weight_stays(averaged):
    [network] = averaged([0.02], [5.0] * 20 + [1.0] * 600).values()
    assert network.weight.item() == pytest.approx(1.0, abs=1e-3)


def test_after_the_warm_up_a_step_moves_by_the_momentum(averaged):
    momentum = 0.05
    warm = round(1 / momentum)  # 1 / (1 + step) is below the momentum from here on
    [network] = averaged([momentum], [0.0] * (warm + 1) + [1.0]).values()
    assert network.weight.item() == pytest.approx(momentum, rel=1e-4)
    [twice] = averaged([momentum], [0.0] * (warm + 1) + [1.0, 1.0]).values()
    assert twice.weight.item() == pytest.approx(1 - (1 - momentum) ** 2, rel=1e-4)


def test_until_then_it_is_the_plain_mean_of_all_steps(averaged):
    values = [float(n * n % 13) for n in range(80)]
    [network] = averaged([1e-3], values).values()
    assert network.weight.item() == pytest.approx(sum(values) / len(values), rel=1e-4)


def test_batches_that_are_only_accumulated_do_not_count():
    network = Norm()
    runner = SimpleNamespace(model=network)
    hook = MultiEmaHook([1e-3], FACTS, accumulate=3)
    hook.before_run(runner)
    for number in range(12):
        network.set(float(number))
        hook.after_train_iter(runner, number)
    [average] = hook.averages.values()
    assert average.module.weight.item() == pytest.approx((2 + 5 + 8 + 11) / 4)
    assert int(average.n_averaged) == 4


def test_statistics_of_batch_norm_are_averaged_with_the_weights(averaged):
    values = [0.0] * 30 + [1.0] * 30
    [network] = averaged([0.01], values).values()
    assert 0 < network.norm.running_mean.item() < 1
    assert network.norm.running_mean.item() == pytest.approx(network.weight.item())


def test_batches_that_were_counted_are_copied(averaged):
    [network] = averaged([0.01], [1.0] * 7).values()
    assert network.norm.num_batches_tracked.item() == 7
    assert network.norm.num_batches_tracked.dtype == torch.int64


def test_slower_average_lies_behind_the_faster_one(averaged):
    networks = averaged([0.1, 0.05, 0.025], [0.0] * 500 + [1.0] * 10)
    fast, middle, slow = (networks[momentum].weight.item() for momentum in (0.1, 0.05, 0.025))
    assert fast > middle > slow > 0


def test_averages_go_on_from_a_checkpoint_as_if_never_stopped(averaged, tmp_path):
    values = [float(n % 7) for n in range(60)]
    network = Norm()
    runner = SimpleNamespace(model=network, work_dir=str(tmp_path))
    first = MultiEmaHook([0.05], FACTS)
    first.before_run(runner)
    for number, value in enumerate(values[:30]):
        network.set(value)
        first.after_train_iter(runner, number)
    checkpoint: dict = {}
    first.before_save_checkpoint(runner, checkpoint)
    second = MultiEmaHook([0.05], FACTS)
    second.before_run(runner)
    second.after_load_checkpoint(runner, checkpoint)
    for number, value in enumerate(values[30:], start=30):
        network.set(value)
        second.after_train_iter(runner, number)
    assert second.averages[0.05].module.weight.item() == pytest.approx(rule(0.05, values), abs=1e-5)


def test_file_of_an_average_is_named_by_its_momentum(tmp_path):
    assert [ema_path(tmp_path, momentum).name for momentum in (2.5e-3, 1e-3, 5e-4)] == [
        "ema-0.0025.pth", "ema-0.001.pth", "ema-0.0005.pth",
    ]  # fmt: skip


def test_run_checkpoint_and_files_hold_plain_tensors(tmp_path):
    network = Norm()
    runner = SimpleNamespace(model=network, work_dir=str(tmp_path))
    hook = MultiEmaHook([0.1], FACTS)
    hook.before_run(runner)
    network.set(2.0)
    hook.after_train_iter(runner, 0)
    hook.before_save_checkpoint(runner, {})
    stored = torch.load(tmp_path / "ema-0.1.pth", weights_only=True)
    assert stored["state_dict"]["weight"].item() == 2.0
    assert stored["facts"]["mpp"] == 0.5
