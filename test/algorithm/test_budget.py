"""What is given up when the time is short, on a clock that goes as it is told."""

import logging

import pytest

from algorithm.budget import Budget


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def work(clock):
    """Return a function that works through tiles at so many seconds a pass; it gives what each tile got."""

    def done(
        seconds: float, each: float, *, tiles: int = 100, members: int = 4, views: int = 8
    ) -> list[tuple[int, int]]:
        budget = Budget(seconds, clock=clock)
        budget.begin("tile", tiles, members=members, views=views)
        got = []
        for _ in range(tiles):
            got.append(budget.allowed())
            passes = got[-1][0] * got[-1][1]
            clock.now += passes * each
            budget.done(passes)
        return got

    return done


def test_with_time_enough_nothing_is_given_up(work, caplog):
    assert set(work(100 * 32, 1.0)) == {(4, 8)}
    assert caplog.records == []


@pytest.mark.parametrize("part", [0.7, 0.3, 0.1, 0.05])
def test_the_work_ends_in_time_and_views_go_before_members(work, clock, part):
    got = work(part * 100 * 32, 1.0)
    assert clock.now <= part * 100 * 32 + 1
    assert got[0] == (4, 8) and (0, 0) not in got
    assert all(members == 4 or views == 1 for members, views in got)
    passes = [members * views for members, views in got]
    assert passes == sorted(passes, reverse=True)  # what was given up stays given up


def test_time_that_suffices_for_no_pass_of_each_tile_is_used_up_and_the_rest_left(work, clock):
    got = work(50, 1.0, members=1, views=1)
    assert got == [(1, 1)] * 50 + [(0, 0)] * 50


def test_a_slow_first_tile_gives_nothing_up(clock):
    budget = Budget(1000, clock=clock)
    budget.begin("tile", 100, members=2, views=2)
    assert budget.allowed() == (2, 2)
    clock.now = 45  # a hundred of these would be far too many; it is caches and clocks
    budget.done(4)
    assert budget.allowed() == (2, 2)


def test_time_before_the_first_tile_counts(clock):
    budget = Budget(100, clock=clock)
    clock.now = 101
    budget.begin("tile", 3, members=1, views=1)
    assert budget.allowed() == (0, 0)


def test_each_step_is_said_once(work, caplog):
    caplog.set_level(logging.WARNING)
    work(100, 1.0, members=2, views=2)
    said = [record.message for record in caplog.records]
    assert len(said) == len(set(said)) <= 4
    assert said[0].startswith("WARNING: 100 s are too short: fewer views; from here on 2 member(s), 1 view(s)")
    assert "fewer members" in said[1]


def test_members_that_were_given_up_are_counted_with_those_at_other_scales(clock):
    budget = Budget(10, clock=clock)
    budget.begin("sheet", 100, members=3, views=1)
    assert budget.allowed() == (3, 1)
    clock.now = 1
    budget.done(3)
    assert budget.allowed() == (1, 1)
    budget.begin("sheet", 5, members=2, views=1, before=3)
    assert budget.allowed() == (0, 0), "the fourth member is not taken up where the second was given up"
    budget.begin("sheet", 5, members=3, views=1)
    assert budget.allowed() == (1, 1)


def test_members_that_were_given_up_at_one_scale_leave_those_before_them(clock, caplog):
    budget = Budget(100, clock=clock)
    budget.begin("sheet", 50, members=2, views=1, before=3)
    clock.now = 6
    budget.allowed()
    budget.done(2)
    clock.now = 10
    assert budget.allowed() == (1, 1)
    assert caplog.messages[-1].endswith("from here on 4 member(s), 1 view(s)")
    budget.begin("sheet", 5, members=3, views=1)
    assert budget.allowed() == (3, 1)
    budget.begin("sheet", 5, members=2, views=1, before=3)
    assert budget.allowed() == (1, 1)
