from collections import Counter
from itertools import islice

import numpy as np
import pytest

from training.index import DataError
from training.patches import Kind, Patch
from training.sampling import PatchSampler, weights

FIGURE, IMPOSTER, ANYWHERE = Kind.FIGURE, Kind.IMPOSTER, Kind.ANYWHERE
SHARES = {FIGURE: 0.5, IMPOSTER: 0.3, ANYWHERE: 0.2}


def patches(*counts: tuple[str, Kind, int]) -> list[Patch]:
    """Return so many patches of each (slide, kind)."""
    return [Patch(0, slide, kind, (1.0, 1.0)) for slide, kind, count in counts for _ in range(count)]


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
