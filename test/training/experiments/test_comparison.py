import math

import pytest

from training.experiments.ablation import Row
from training.experiments.comparison import HEADINGS, compare, lines, markdown


def row(config: str, seed: int, network: str, ap: float, f1: float) -> Row:
    return Row(config, seed, 100, network, ap, f1, 0.3, "0")


@pytest.fixture
def rows() -> list[Row]:
    return [
        row("base", 0, "ema-0.1", 0.40, 0.50),
        row("base", 0, "ensemble", 0.50, 0.60),
        row("base", 1, "ema-0.1", 0.46, 0.56),
        row("base", 1, "ensemble", 0.54, 0.64),
        row("wide", 0, "ensemble", 0.60, 0.60),
        row("wide", 1, "ensemble", 0.68, 0.60),
    ]


def test_differences_are_taken_seed_by_seed(rows):
    base, wide = compare(rows, ["H05"])["configs"]
    assert base["ap"]["difference"] == 0
    assert wide["ap"]["differences"] == pytest.approx([0.10, 0.14])
    assert wide["ap"]["difference"] == pytest.approx(0.12)
    assert wide["f1"]["difference"] == pytest.approx(-0.02)


def test_spread_is_pooled_over_the_configs_and_gives_the_error(rows):
    compared = compare(rows, ["H05"])
    # within base 0.02 from the mean on both sides, within wide 0.04; two degrees of freedom
    assert compared["spread"]["ap"] == pytest.approx(math.sqrt((2 * 0.02**2 + 2 * 0.04**2) / 2))
    assert compared["configs"][1]["ap"]["error"] == pytest.approx(compared["spread"]["ap"])  # two seeds: sqrt(2 / 2)


def test_an_average_alone_is_compared_within_its_own_run(rows):
    [alone] = compare(rows, ["H05"])["averages"]
    assert alone["runs"] == 2
    assert alone["ap"]["difference"] == pytest.approx(-0.09)
    assert alone["ap"]["error"] == pytest.approx(0.01)  # of -0.10 and -0.08


def test_one_seed_has_no_spread(rows):
    compared = compare([one for one in rows if one.seed == 0], ["H05"])
    assert compared["spread"] == {"ap": None, "f1": None}
    assert lines(compared)[1] == ["wide", "100", "0", "0.600", "+0.100", "0.600", "+0.000"]


def test_a_config_without_a_common_seed_has_no_difference(rows):
    compared = compare([*rows[:4], row("wide", 7, "ensemble", 0.6, 0.6)], ["H05"])
    assert lines(compared)[1][4] == "-"


def test_table_has_the_reference_first_and_the_averages_last(rows):
    table = markdown(compare(rows, ["H05"])).splitlines()
    assert table[0] == f"| {' | '.join(HEADINGS)} |"
    assert table[2].startswith("| base | 100 | 0, 1 | 0.500 / 0.540 | reference |")
    assert "| +0.120 ± 0.045 |" in table[3]
    assert table[4].startswith("| ema-0.1 alone, against all averages |  | 2 runs |  | -0.090 ± 0.010 |")
    assert {line.count("|") for line in table} == {len(HEADINGS) + 1}
