"""Each slide by those members of a bundle that never saw it: what cross-validated members say out of fold."""

from collections.abc import Callable, Sequence
from itertools import groupby

from algorithm.bundle import LoadedBundle
from algorithm.detector import Detector, Options
from training.evaluation.predictions import Predicted, predict
from training.index import DataError, IndexedImage
from training.members import members_without, with_members


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
    chosen = [members_without(bundle.facts, image) for image in images]
    seen = sorted({image.slide for image, members in zip(images, chosen, strict=True) if not members})
    if seen:
        raise DataError(f"{bundle.folder} was trained on slide(s) {', '.join(seen)}; name others with --slides")
    results: list[Predicted] = []
    order = sorted(range(len(images)), key=lambda number: chosen[number])
    for members, numbers in groupby(order, key=lambda number: chosen[number]):
        part = [images[number] for number in numbers]
        done = len(results)
        step = (lambda n, _, done=done: progress(done + n, len(images))) if progress else None
        results += predict(part, Detector(with_members(bundle, members), options), progress=step)
    back = sorted(range(len(images)), key=order.__getitem__)
    return [results[number] for number in back]
