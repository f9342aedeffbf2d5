"""Which member of a bundle saw which slide."""

import pytest

from algorithm.bundle import Screen, load_bundle, write_bundle
from training.index import DataError
from training.members import has_seen, training_of_members, unseen_member

TOLD = [{"slides": ["H04", "H05"]}, {"slides": ["H03", "H05"], "glasses": ["glass 3"]}]


@pytest.fixture
def folder(two_members):
    """Two members, of which the first held H03 back, and the second one H04."""
    return two_members(TOLD)


def test_slide_is_seen_under_the_other_name_of_its_glass(listed):
    assert has_seen({"slides": ["A03"], "glasses": ["glass 3"]}, listed("set", "H03", glass="glass 3"))
    assert not has_seen({"slides": ["A03"]}, listed("set", "H03", glass="glass 3"))


def test_bundle_that_does_not_tell_its_members_apart_saw_what_is_listed(folder):
    bundle = load_bundle(folder)
    facts = bundle.facts.model_copy(update={"training": {"slides": ["H04"]}})
    assert training_of_members(facts) == [{"slides": ["H04"]}] * 2
    few = {"slides": ["H04"], "members": [{"slides": []}]}  # of another number of members
    assert training_of_members(facts.model_copy(update={"training": few})) == [few] * 2


def test_fold_begins_from_the_member_that_did_not_see_its_slides(folder, listed):
    first, second = (folder / member.file for member in load_bundle(folder).facts.members)
    assert unseen_member(folder, [listed("set", "H03")], 0.5) == first
    assert (
        unseen_member(folder, [listed("set", "A03", glass="glass 3")], 0.5) == first
    )  # the first one not to have seen it
    assert unseen_member(folder, [listed("set", "H04"), listed("set", "H12")], 0.5) == second


def test_fold_begins_from_the_member_whose_scale_is_nearest(folder, listed):
    facts = load_bundle(folder).facts
    coarse, fine = facts.members[0], facts.members[1].model_copy(update={"mpp": facts.mpp / 2})
    screen = Screen(from_score=0.2, again_score=0.3, cell_px=96)
    write_bundle(folder, facts.model_copy(update={"members": [coarse, fine], "ensemble": "screen", "screen": screen}))
    nobody_saw = [listed("set", "H12")]
    for part, member in ((2, coarse), (1, coarse), (0.8, coarse), (0.6, fine), (0.5, fine), (0.1, fine)):
        assert unseen_member(folder, nobody_saw, part * facts.mpp) == folder / member.file
    assert unseen_member(folder, [listed("set", "H03")], facts.mpp / 2) == folder / coarse.file


def test_fold_that_all_members_saw_is_refused(folder, listed):
    with pytest.raises(DataError, match=r"each member was trained on held-back slide\(s\) of H03, H04"):
        unseen_member(folder, [listed("set", "H03"), listed("set", "H04")], 0.5)


def test_other_weights_are_taken_as_they_are(disc_bundle, folder, listed, tmp_path):
    seen = [listed("set", "H05")]
    alone = disc_bundle()
    for path in (tmp_path / "ema.pth", alone, folder / "second.onnx"):
        assert unseen_member(path, seen, 0.5) == path


def test_member_of_an_exported_bundle_saw_what_it_was_told(folder):
    told = training_of_members(load_bundle(folder).facts)
    assert [one["slides"] for one in told] == [one["slides"] for one in TOLD]
    assert [one["glasses"] for one in told] == [[], ["glass 3"]]
    assert not any("members" in one or "left_out" in one for one in told)
