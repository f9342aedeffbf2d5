"""The cores that a container really has."""

import os

import pytest

from algorithm.engines.cpus import usable_cpus

FILES = {1: ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"), 2: ("cpu.max",)}


@pytest.fixture
def cgroup(tmp_path, monkeypatch):
    """Return a function that writes the files of a control group; this machine has 8 cores."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)

    def written(version, *contents):
        for name, content in zip(FILES[version], contents, strict=True):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(f"{content}\n")
        return tmp_path

    return written


@pytest.mark.parametrize(
    ("content", "cpus"),
    [
        ("100000 100000", 1),
        ("150000 100000", 2),
        ("400000 100000", 4),
        ("1000 100000", 1),
        ("9900000 100000", 8),
        ("max 100000", 8),
        ("100000 0", 8),
        ("nonsense", 8),
        ("", 8),
    ],
)
def test_the_quota_of_version_2_is_the_limit(cgroup, content, cpus):
    assert usable_cpus(cgroup(2, content)) == cpus


@pytest.mark.parametrize(
    ("quota", "period", "cpus"), [(200_000, 100_000, 2), (250_000, 100_000, 3), (-1, 100_000, 8), (100_000, 0, 8)]
)
def test_the_quota_of_version_1_is_the_limit(cgroup, quota, period, cpus):
    assert usable_cpus(cgroup(1, quota, period)) == cpus


def test_without_a_control_group_the_affinity_counts(cgroup, tmp_path):
    assert usable_cpus(tmp_path / "none") == 8


def test_this_machine_has_a_core():
    assert usable_cpus() >= 1
