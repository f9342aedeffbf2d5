"""Each slide by those members of a bundle that never saw it: what cross-validated members say out of fold."""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from algorithm.bundle import Bundle, LoadedBundle
from algorithm.detector import Detector, Options
from training.evaluation.predictions import Predicted, predict
from training.index import DataError, IndexedImage


def training_of_members(facts: Bundle) -> list[dict[str, Any]]:
    """Return what each member was trained on; where the bundle does not tell them apart, what all were."""
    told = facts.training.get("members", [])
    return list(told) if len(told) == len(facts.members) else [facts.training] * len(facts.members)


def has_seen(training: dict[str, Any], image: IndexedImage) -> bool:
    """Return whether a network with this training saw the image's slide, or its glass under another name."""
    return not image.glasses.isdisjoint(name for key in ("slides", "glasses") for name in training.get(key, []))


def predict_unseen(
    bundle: LoadedBundle,
    images: Sequence[IndexedImage],
    options: Options,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> list[Predicted]:
    """Return the predictions of every image by the mean over the members that did not see its slide.

    Raises DataError for slides that all members saw: there the scores are too good.
    """
    told = training_of_members(bundle.facts)
    chosen = [tuple(n for n, one in enumerate(told) if not has_seen(one, image)) for image in images]
    seen = sorted({image.slide for image, members in zip(images, chosen, strict=True) if not members})
    if seen:
        raise DataError(f"{bundle.folder} was trained on slide(s) {', '.join(seen)}; name others with --slides")
    results: list[Predicted] = []
    order = sorted(range(len(images)), key=lambda number: chosen[number])
    for members, numbers in groupby(order, key=lambda number: chosen[number]):
        part = [images[number] for number in numbers]
        done = len(results)
        step = (lambda n, _, done=done: progress(done + n, len(images))) if progress else None
        results += predict(part, Detector(_with_members(bundle, members), options), progress=step)
    back = sorted(range(len(images)), key=order.__getitem__)
    return [results[number] for number in back]


def _with_members(bundle: LoadedBundle, members: Sequence[int]) -> LoadedBundle:
    chosen = [bundle.facts.members[number] for number in members]
    return LoadedBundle(bundle.folder, bundle.facts.model_copy(update={"members": chosen}), bundle.hash)
