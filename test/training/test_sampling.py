from collections import Counter
from itertools import islice

import numpy as np
import pytest

from training.index import DataError
from training.places import Kind, Patch
from training.sampling import Hierarchy, PatchSampler, weights

FIGURE, IMPOSTER, ANYWHERE = Kind.FIGURE, Kind.IMPOSTER, Kind.ANYWHERE
SHARES = {FIGURE: 0.5, IMPOSTER: 0.3, ANYWHERE: 0.2}


def patches(*counts: tuple[str, Kind, int]) -> list[Patch]:
    """Return so many patches of each (slide, kind); a slide "set/name" is of that data set, another of "one"."""
    found = []
    for name, kind, count in counts:
        dataset, _, slide = name.rpartition("/")
        found += [Patch(0, dataset or "one", slide, kind, (1.0, 1.0))] * count
    return found


MIXED = patches(
    ("a", FIGURE, 50), ("b", FIGURE, 2), ("c", FIGURE, 1), ("a", IMPOSTER, 3), ("d", IMPOSTER, 30),
    ("a", ANYWHERE, 5), ("b", ANYWHERE, 5), ("c", ANYWHERE, 1), ("d", ANYWHERE, 9),
)  # fmt: skip


def marginal(of: list[Patch], values: np.ndarray, key) -> dict:
    sums: dict = {}
    for patch, value in zip(of, values, strict=True):
        sums[key(patch)] = sums.get(key(patch), 0.0) + value
    return sums


def test_probabilities_sum_to_one_and_are_one_for_each_patch():
    chances = weights(MIXED, SHARES)
    assert chances.shape == (len(MIXED),)
    assert chances.dtype == np.float64
    assert chances.sum() == pytest.approx(1)
    assert (chances > 0).all()


def test_each_kind_gets_its_share():
    kinds = marginal(MIXED, weights(MIXED, SHARES), lambda patch: patch.kind)
    assert kinds == pytest.approx({FIGURE: 0.5, IMPOSTER: 0.3, ANYWHERE: 0.2})


def test_slides_of_a_kind_are_drawn_alike_however_many_patches_they_hold():
    slides = marginal(MIXED, weights(MIXED, SHARES), lambda patch: (patch.kind, patch.slide))
    for kind, share in SHARES.items():
        of_kind = [value for (one, _), value in slides.items() if one == kind]
        assert of_kind == pytest.approx([share / len(of_kind)] * len(of_kind))


def test_patches_of_a_slide_are_drawn_alike():
    chances = weights(MIXED, SHARES)
    for key in {(patch.kind, patch.slide) for patch in MIXED}:
        alike = [chance for patch, chance in zip(MIXED, chances, strict=True) if (patch.kind, patch.slide) == key]
        assert np.ptp(alike) == 0


SETS = patches(
    ("big/a", FIGURE, 60), ("big/b", FIGURE, 30), ("big/c", FIGURE, 10), ("small/a", FIGURE, 4), ("small/d", FIGURE, 1),
    ("big/a", IMPOSTER, 7), ("none/x", ANYWHERE, 3),
)  # fmt: skip


def test_data_sets_of_a_kind_are_drawn_alike_however_large_they_are():
    sets = marginal(SETS, weights(SETS, SHARES), lambda patch: (patch.kind, patch.dataset))
    expected = {("big", FIGURE): 0.25, ("small", FIGURE): 0.25, ("big", IMPOSTER): 0.3, ("none", ANYWHERE): 0.2}
    assert sets == pytest.approx({(kind, name): share for (name, kind), share in expected.items()})


def test_slides_of_a_data_set_are_drawn_alike_and_slides_of_one_name_are_two():
    slides = marginal(SETS, weights(SETS, {FIGURE: 1.0}), lambda patch: (patch.dataset, patch.slide))
    assert {key: value for key, value in slides.items() if value} == pytest.approx(
        {("big", "a"): 1 / 6, ("big", "b"): 1 / 6, ("big", "c"): 1 / 6, ("small", "a"): 1 / 4, ("small", "d"): 1 / 4}
    )


@pytest.mark.parametrize(("power", "big"), [(0.0, 1 / 2), (1.0, 100 / 105), (0.5, 10 / (10 + 5**0.5))])
def test_data_sets_may_count_by_a_power_of_their_size(power, big):
    sets = marginal(SETS, weights(SETS, {FIGURE: 1.0}, Hierarchy(data_set_power=power)), lambda patch: patch.dataset)
    assert sets["big"] == pytest.approx(big)


def test_data_sets_may_be_weighted_by_name():
    given = Hierarchy(data_set_weights={"small": 3.0})
    sets = marginal(SETS, weights(SETS, SHARES, given), lambda patch: (patch.kind, patch.dataset))
    assert sets[FIGURE, "small"] == pytest.approx(0.5 * 3 / 4)
    assert sets[IMPOSTER, "big"] == pytest.approx(0.3)  # the only one: its factor is nobody's gain


def test_the_kinds_of_a_data_set_may_be_weighted_apart():
    given = Hierarchy(data_set_weights={"big": {FIGURE: 0.0}, "none": {"anywhere": 2.0}})
    sets = marginal(SETS, weights(SETS, SHARES, given), lambda patch: (patch.kind, patch.dataset))
    assert sets[FIGURE, "big"] == 0
    assert sets[FIGURE, "small"] == pytest.approx(0.5)
    assert sets[IMPOSTER, "big"] == pytest.approx(0.3)  # 1 where no factor is given


def test_a_data_set_of_weight_zero_is_never_drawn():
    chances = weights(SETS, {FIGURE: 1.0}, Hierarchy(data_set_weights={"big": 0.0}))
    assert marginal(SETS, chances, lambda patch: patch.dataset) == pytest.approx({"big": 0, "small": 1, "none": 0})


def test_weight_of_a_data_set_that_is_not_there_is_an_error():
    with pytest.raises(DataError, match=r"no data set smal \(there are: big, none, small\)"):
        weights(SETS, SHARES, Hierarchy(data_set_weights={"smal": 1.0}))


def test_without_hierarchy_all_patches_of_a_kind_are_alike():
    chances = weights(SETS, SHARES, Hierarchy(balanced=False))
    kinds = marginal(SETS, chances, lambda patch: patch.kind)
    assert kinds == pytest.approx(dict(SHARES))
    for kind in SHARES:
        assert np.ptp([chance for patch, chance in zip(SETS, chances, strict=True) if patch.kind == kind]) == 0


def test_draws_follow_the_hierarchy_at_every_level():
    chances, draws = weights(SETS, SHARES), 40_000
    drawn = Counter(SETS[number] for number, _ in islice(PatchSampler(chances, seed=1), draws))
    for key in (lambda p: p.kind, lambda p: (p.kind, p.dataset), lambda p: (p.kind, p.dataset, p.slide)):
        for name, chance in marginal(SETS, chances, key).items():
            count = sum(n for patch, n in drawn.items() if key(patch) == name)
            assert abs(count - draws * chance) < 5 * np.sqrt(draws * chance * (1 - chance))


def test_one_slide_with_one_kind_is_drawn_evenly():
    assert weights(patches(("a", FIGURE, 4)), {FIGURE: 1.0}) == pytest.approx([0.25] * 4)


def test_kind_that_is_nowhere_leaves_its_share_to_the_others():
    few = patches(("a", FIGURE, 3), ("b", ANYWHERE, 2))
    kinds = marginal(few, weights(few, SHARES), lambda patch: patch.kind)
    assert kinds == pytest.approx({FIGURE: 0.5 / 0.7, ANYWHERE: 0.2 / 0.7})


def test_kind_with_no_share_is_never_drawn():
    chances = weights(MIXED, {FIGURE: 0.5, IMPOSTER: 0.5})
    assert chances.sum() == pytest.approx(1)
    assert all(chance == 0 for patch, chance in zip(MIXED, chances, strict=True) if patch.kind == ANYWHERE)


def test_shares_need_not_sum_to_one():
    assert weights(MIXED, {kind: 7 * share for kind, share in SHARES.items()}) == pytest.approx(weights(MIXED, SHARES))


@pytest.mark.parametrize("of", [[], patches(("a", ANYWHERE, 3))])
def test_nothing_to_draw_is_an_error(of):
    with pytest.raises(DataError, match=r"no patch of a kind with a share above 0 \(figure\)"):
        weights(of, {FIGURE: 1.0, ANYWHERE: 0.0})


def test_draws_are_as_frequent_as_their_probability():
    chances, draws = weights(MIXED, SHARES), 40_000
    drawn = Counter(number for number, _ in islice(PatchSampler(chances, seed=3), draws))
    for number, chance in enumerate(chances):
        spread = np.sqrt(draws * chance * (1 - chance))
        assert abs(drawn[number] - draws * chance) < 5 * spread


def test_patch_without_a_chance_is_not_drawn():
    drawn = {number for number, _ in islice(PatchSampler(np.array([0, 0.5, 0, 0.5, 0]), seed=0), 5000)}
    assert drawn == {1, 3}


def test_rounding_of_the_last_sum_draws_no_patch_beyond_the_end():
    chances = np.full(3, 1 / 3) * (1 - 1e-3)  # as if the sum had been rounded down
    assert {number for number, _ in islice(PatchSampler(chances, seed=0), 10_000)} == {0, 1, 2}


@pytest.mark.parametrize("skipped", [0, 1, PatchSampler.BLOCK - 1, PatchSampler.BLOCK, 2 * PatchSampler.BLOCK + 17])
def test_skipping_goes_on_exactly_where_the_draws_stood(skipped):
    chances = weights(MIXED, SHARES)
    whole = list(islice(PatchSampler(chances, seed=5), skipped + PatchSampler.BLOCK + 10))
    resumed = PatchSampler(chances, seed=5)
    resumed.skip(skipped)
    assert list(islice(resumed, PatchSampler.BLOCK + 10)) == whole[skipped:]


@pytest.mark.parametrize("skipped", [0, 3, PatchSampler.BLOCK])
@pytest.mark.parametrize("world", [2, 3])
def test_several_processes_share_the_draws_of_one(world, skipped):
    chances = weights(MIXED, SHARES)
    whole = list(islice(PatchSampler(chances, seed=5), world * (skipped + 3000)))
    for rank in range(world):
        own = PatchSampler(chances, seed=5, rank=rank, world=world)
        own.skip(skipped)
        assert list(islice(own, 3000)) == whole[world * skipped + rank :: world]


def test_iterating_again_begins_again():
    sampler = PatchSampler(weights(MIXED, SHARES), seed=5)
    assert list(islice(sampler, 20)) == list(islice(sampler, 20))


def test_other_seeds_draw_other_patches_and_other_shifts():
    chances = weights(MIXED, SHARES)
    one, other = (list(islice(PatchSampler(chances, seed=seed), 200)) for seed in (0, 1))
    assert [number for number, _ in one] != [number for number, _ in other]
    assert not {shift for _, shift in one} & {shift for _, shift in other}


def test_every_draw_has_a_shift_of_its_own():
    shifts = [shift for _, shift in islice(PatchSampler(np.array([1.0]), seed=0), 5000)]
    assert len(set(shifts)) == len(shifts)
