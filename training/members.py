"""What each member of a bundle was trained on: members of a cross-validation saw different slides."""

from collections.abc import Sequence
from math import log
from pathlib import Path
from typing import Any

from algorithm.bundle import Bundle, LoadedBundle, load_bundle
from training.index import DataError, IndexedImage

TRAINED_ON = ("data_sets", "slides", "glasses")  # lists in a checkpoint's facts


def training_of_members(facts: Bundle) -> list[dict[str, Any]]:
    """Return what each member was trained on; where the bundle does not tell them apart, what all were."""
    told = facts.training.get("members", [])
    if len(told) != len(facts.members):
        return [facts.training] * len(facts.members)
    return [_of_one(facts.training, one) for one in told]


def _of_one(joined: dict[str, Any], one: dict[str, Any]) -> dict[str, Any]:
    """Return what a member saw: what any of them did, but for what it left out."""
    left_out = one.get("left_out", {})
    saw = {key: sorted(set(joined.get(key, [])).difference(left_out.get(key, []))) for key in TRAINED_ON}
    shared = {key: value for key, value in joined.items() if key != "members"}
    return shared | {key: value for key, value in one.items() if key != "left_out"} | saw


def has_seen(training: dict[str, Any], image: IndexedImage) -> bool:
    """Return whether a network with this training saw the image's slide, or its glass under another name."""
    return not image.glasses.isdisjoint(name for key in ("slides", "glasses") for name in training.get(key, []))


def members_without(facts: Bundle, image: IndexedImage) -> tuple[int, ...]:
    """Return the numbers of the members that did not see an image's slide, nor its glass."""
    return tuple(n for n, training in enumerate(training_of_members(facts)) if not has_seen(training, image))


def with_members(bundle: LoadedBundle, members: Sequence[int]) -> LoadedBundle:
    """Return the bundle with these of its members alone."""
    return LoadedBundle(bundle.folder, bundle.facts.of_members(members), bundle.hash)


def to_the_floor(bundle: LoadedBundle) -> LoadedBundle:
    """Return the bundle reporting all that its networks do (of candidates): a calibration and a mean need the faint."""
    facts = bundle.facts.model_copy(update={"reporting_threshold": 0.0})
    return LoadedBundle(bundle.folder, facts, bundle.hash)


def unseen_member(path: Path, held: Sequence[IndexedImage], mpp: float) -> Path:
    """Return weights to begin from that saw none of the held-back images.

    path: a bundle's folder, of whose members one is chosen, the first of those whose scale is nearest to mpp um/px;
    other weights are returned as they are.
    Raises DataError when every member saw one of the slides, BundleError.
    """
    if not path.is_dir():
        return path
    bundle = load_bundle(path)
    if len(bundle.facts.members) == 1:
        return path
    seen: set[str] = set()
    unseen = []
    for number, training in enumerate(training_of_members(bundle.facts)):
        slides = {image.slide for image in held if has_seen(training, image)}
        seen |= slides
        if not slides:
            unseen.append(number)
    if unseen:
        scales = [bundle.facts.mpp_of(member) for member in bundle.facts.members]
        return bundle.member_path(min(unseen, key=lambda number: abs(log(scales[number] / mpp))))
    raise DataError(f"{path}: each member was trained on held-back slide(s) of {', '.join(sorted(seen))}")
