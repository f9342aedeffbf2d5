"""What an import found, for the terminal: counts by data set, slide, scanner and tumour, and what was left out."""

from collections.abc import Callable, Iterator, Sequence
from statistics import median

from rich.table import Table

from training.importers.base import Dropped, Imported
from training.index import IndexedImage

FEW_SLIDES = 12  # more are summarised
EXAMPLES = 3
UNKNOWN = "(not known)"


def tables(imported: Imported, *, every_slide: bool) -> Iterator[Table]:
    """Yield the tables: the counts, and what was changed or left out where anything was."""
    yield counts(imported.images, every_slide=every_slide)
    for title, entries in (("changed", imported.changed), ("left out", imported.dropped)):
        if entries:
            yield reasons(title, entries)


def counts(images: Sequence[IndexedImage], *, every_slide: bool = False) -> Table:
    """Return images and cells of each class by data set, slide, scanner and tumour."""
    table = Table(title="imported")
    for column in ("by", "name", "images", "without picture", "without scale", "MF", "NMF"):
        table.add_column(column, justify="left" if column in ("by", "name") else "right")
    table.add_row("all", "", *map(str, _numbers(images)), style="bold", end_section=True)
    of_slide = _grouped(images, lambda image: image.slide)
    for by, key in (
        ("data set", lambda image: image.dataset),
        ("scanner", lambda image: image.scanner),
        ("tumour", lambda image: image.tumour),
        ("slide", lambda image: image.slide),
    ):
        groups = _grouped(images, key)
        if by == "slide" and len(groups) > FEW_SLIDES and not every_slide:
            continue
        for number, (name, members) in enumerate(sorted(groups.items()), 1):
            table.add_row(by, name or UNKNOWN, *map(str, _numbers(members)), end_section=number == len(groups))
    if len(of_slide) > FEW_SLIDES and not every_slide:
        for name, figure in (("least", min), ("median", median), ("most", max)):
            values = [figure(column) for column in zip(*map(_numbers, of_slide.values()), strict=True)]
            table.add_row(f"{len(of_slide)} slides", name, *(f"{value:g}" for value in values))
    return table


def reasons(title: str, entries: Sequence[Dropped]) -> Table:
    """Return how many share a reason, with the first of them."""
    table = Table(title=title)
    table.add_column("count", justify="right")
    table.add_column("why")
    table.add_column("the first")
    by_reason: dict[str, list[str]] = {}
    for entry in entries:
        by_reason.setdefault(entry.why, []).append(entry.what)
    for why, names in by_reason.items():
        more = ", ..." if len(names) > EXAMPLES else ""
        table.add_row(str(len(names)), why, ", ".join(names[:EXAMPLES]) + more)
    return table


def _grouped(images: Sequence[IndexedImage], key: Callable[[IndexedImage], str]) -> dict[str, list[IndexedImage]]:
    groups: dict[str, list[IndexedImage]] = {}
    for image in images:
        groups.setdefault(key(image), []).append(image)
    return groups


def _numbers(images: Sequence[IndexedImage]) -> tuple[int, int, int, int, int]:
    return (
        len(images),
        sum(image.missing for image in images),
        sum(image.mpp is None for image in images),
        sum(len(image.places("MF")) for image in images),
        sum(len(image.places("NMF")) for image in images),
    )
