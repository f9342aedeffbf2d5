"""Many boxes of one figure become one, whatever order they come in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithm.frames import Mpp, image_to_um
from algorithm.fusion import Found, average, strongest

RADIUS_UM = 7.5
MPPS = [Mpp(0.5, 0.5), Mpp(0.25, 0.5)]


def found_of(rows) -> Found:
    """Return places of (x, y, score, half side of the box)."""
    rows = np.array(rows, np.float64).reshape(-1, 4)
    x, y, score, half = rows.T
    boxes = np.stack([x - half, y - half, x + half, y + half], axis=1).astype(np.float32)
    return Found.from_boxes(boxes, score.astype(np.float32))


def rows_of(found: Found) -> list[tuple]:
    return [
        (*xy, score, *box) for xy, score, box in zip(found.xy.tolist(), found.score, found.box.tolist(), strict=True)
    ]


# coarse numbers on purpose: equal scores, equal places and places at exactly the radius are the rule
row = st.tuples(
    st.integers(0, 40), st.integers(0, 40), st.integers(1, 4).map(lambda n: n / 4), st.sampled_from([8, 16])
)
some_rows = st.lists(row, max_size=24)
some_passes = st.lists(st.lists(row, max_size=8), min_size=1, max_size=5)


def plain_strongest(found: Found, mpp: Mpp) -> Found:
    found = found[found.order()]
    um = image_to_um(found.xy, mpp)
    kept: list[int] = []
    for n in range(len(found)):
        if all(((um[n] - um[k]) ** 2).sum() > RADIUS_UM**2 for k in kept):
            kept.append(n)
    return found[np.array(kept, np.intp)]


def plain_average(passes: list[Found], mpp: Mpp) -> Found:
    """The rule in words: the strongest free place asks every pass for its nearest free place, and takes their mean."""
    owner = np.array([n for n, one in enumerate(passes) for _ in range(len(one))], int)
    everything = Found.joined(passes)
    order = everything.order()
    everything, owner = everything[order], owner[order]
    um = image_to_um(everything.xy, mpp)
    free = set(range(len(everything)))
    groups = []
    while free:
        seed = min(free)
        group = [seed]
        for number in set(range(len(passes))) - {owner[seed]}:
            near = [
                (np.hypot(*(um[n] - um[seed])), n)
                for n in sorted(free)
                if owner[n] == number and ((um[n] - um[seed]) ** 2).sum() <= RADIUS_UM**2
            ]
            group += [min(near)[1]] if near else []
        free -= set(group)
        groups.append(sorted(group))
    averaged = Found(
        np.array([everything.xy[group].mean(axis=0) for group in groups]).reshape(-1, 2),
        np.array([everything.score[group].sum() / len(passes) for group in groups]),
        np.array([everything.box[group].mean(axis=0) for group in groups], np.float32).reshape(-1, 4),
    )
    return averaged[averaged.order()]


@given(some_rows, st.sampled_from(MPPS), st.randoms(use_true_random=False))
def test_strongest_gives_the_same_whatever_the_order(rows, mpp, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    one, other = (strongest(found_of(given), radius_um=RADIUS_UM, mpp=mpp) for given in (rows, shuffled))
    assert rows_of(one) == rows_of(other)


@given(some_rows, st.sampled_from(MPPS))
def test_strongest_leaves_nothing_within_the_radius_and_silences_nothing_alone(rows, mpp):
    before = found_of(rows)
    after = strongest(before, radius_um=RADIUS_UM, mpp=mpp)
    um = image_to_um(after.xy, mpp)
    apart = np.hypot(*(um[:, None] - um[None]).transpose(2, 0, 1)) + np.eye(len(um)) * 1e9
    assert not len(um) or apart.min() > RADIUS_UM
    for xy, score in zip(image_to_um(before.xy, mpp), before.score, strict=True):
        near = np.hypot(*(um - xy).T) <= RADIUS_UM + 1e-9
        assert near.any() and after.score[near].max() >= score


@given(some_rows, st.sampled_from(MPPS))
def test_strongest_is_what_the_plain_rule_gives(rows, mpp):
    found = found_of(rows)
    assert rows_of(strongest(found, radius_um=RADIUS_UM, mpp=mpp)) == rows_of(plain_strongest(found, mpp))


@given(some_rows)
def test_strongest_again_changes_nothing(rows):
    once = strongest(found_of(rows), radius_um=RADIUS_UM, mpp=MPPS[0])
    assert rows_of(strongest(once, radius_um=RADIUS_UM, mpp=MPPS[0])) == rows_of(once)


@given(some_passes, st.sampled_from(MPPS), st.randoms(use_true_random=False))
def test_average_gives_the_same_whatever_the_order_of_passes_and_boxes(passes, mpp, random):
    shuffled = [random.sample(one, len(one)) for one in passes]
    random.shuffle(shuffled)
    one, other = (
        average([found_of(rows) for rows in given], radius_um=RADIUS_UM, mpp=mpp) for given in (passes, shuffled)
    )
    assert rows_of(one) == rows_of(other)


@given(some_passes, st.sampled_from(MPPS))
def test_average_is_what_the_plain_rule_gives(passes, mpp):
    passes = [found_of(rows) for rows in passes]
    assert rows_of(average(passes, radius_um=RADIUS_UM, mpp=mpp)) == rows_of(plain_average(passes, mpp))


@given(some_passes)
def test_average_keeps_the_sum_of_the_scores(passes):
    passes = [found_of(rows) for rows in passes]
    averaged = average(passes, radius_um=RADIUS_UM, mpp=MPPS[0])
    assert averaged.score.sum() * len(passes) == pytest.approx(sum(one.score.sum() for one in passes))
    assert not len(averaged) or averaged.score.max() <= 1


def test_a_pass_that_sees_nothing_counts_as_zero():
    seen, blind = found_of([(100, 100, 0.75, 16)]), found_of([])
    averaged = average([seen, blind, seen], radius_um=RADIUS_UM, mpp=MPPS[0])
    assert rows_of(averaged) == [(100, 100, 0.5, 84, 84, 116, 116)]


def test_places_are_averaged_over_the_passes_that_see_them():
    passes = [found_of([(100, 100, 0.75, 16)]), found_of([(104, 100, 0.25, 16)]), found_of([])]
    averaged = average(passes, radius_um=RADIUS_UM, mpp=MPPS[0])
    assert averaged.xy.tolist() == [[102, 100]]
    assert averaged.box.tolist() == [[86, 84, 118, 116]]
    assert averaged.score.tolist() == pytest.approx([1 / 3])


def test_two_figures_of_one_pass_are_never_averaged_with_each_other():
    one = found_of([(100, 100, 0.75, 16), (110, 100, 0.5, 16)])
    assert average([one], radius_um=RADIUS_UM, mpp=MPPS[0]).xy.tolist() == [[100, 100], [110, 100]]


def test_the_radius_is_in_micrometres_along_each_axis():
    pair = [(100, 100, 0.75, 16), (120, 100, 0.5, 16), (100, 120, 0.5, 16)]
    kept = strongest(found_of(pair), radius_um=RADIUS_UM, mpp=Mpp(0.25, 0.5))
    assert kept.xy.tolist() == [[100, 100], [100, 120]], "20 px are 5 um across and 10 um down"


def test_a_weak_place_is_not_silenced_by_one_that_was_silenced():
    chain = [(100, 100, 0.9, 16), (112, 100, 0.8, 16), (124, 100, 0.7, 16)]
    kept = strongest(found_of(chain), radius_um=RADIUS_UM, mpp=MPPS[0])
    assert kept.xy.tolist() == [[100, 100], [124, 100]]


@pytest.mark.parametrize(
    "fused",
    [
        Found.joined([]),
        strongest(found_of([]), radius_um=RADIUS_UM, mpp=MPPS[0]),
        average([], radius_um=RADIUS_UM, mpp=MPPS[0]),
        average([found_of([]), found_of([])], radius_um=RADIUS_UM, mpp=MPPS[0]),
    ],
)
def test_nothing_in_gives_nothing_out_of_the_same_types(fused):
    some = found_of([(1, 1, 0.5, 8)])
    assert len(fused) == 0
    assert (fused.xy.shape, fused.score.shape, fused.box.shape) == ((0, 2), (0,), (0, 4))
    assert (fused.xy.dtype, fused.score.dtype, fused.box.dtype) == (some.xy.dtype, some.score.dtype, some.box.dtype)
    averaged = average([some], radius_um=RADIUS_UM, mpp=MPPS[0])
    assert (averaged.xy.dtype, averaged.score.dtype, averaged.box.dtype) == (
        some.xy.dtype,
        some.score.dtype,
        np.float32,
    )
