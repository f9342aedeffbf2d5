"""The page of an inspection: numbers -> one HTML text. Everything from outside is escaped."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from urllib.parse import quote

from algorithm.frames import Mpp
from training.evaluation.scores import MATCH_RADIUS_UM
from training.index import IndexedImage
from training.inspection.crops import BOX_UM, SUPPOSED_MPP
from training.inspection.statistics import (
    DISTANCE_EDGES_UM,
    Count,
    Distances,
    Extent,
    Pair,
    close_pairs,
    counted,
    distances,
    extents,
)

SIZES_SHOWN = 4
COUNTED_BY = {  # heading of a table: the columns that name a group, and the fields of an image behind them
    "By data set": ("dataset",),
    "By scanner": ("scanner",),
    "By tumour": ("tumour",),
    "By slide": ("dataset", "slide"),
}
STYLE = """
:root { --ink: #181c22; --faint: #606872; --line: #dfe3e8; --shade: #f4f6f8; --bad: #a3281f; --bar: #7b6fd0; }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); max-width: 1180px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin: 0; overflow-wrap: anywhere; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .5rem; }
p.note { color: var(--faint); margin: .2rem 0 .8rem; max-width: 75ch; }
.warn { border-left: 4px solid var(--bad); padding: .4rem .8rem; background: #fbf1f0; margin: .8rem 0; }
.cards { display: flex; flex-wrap: wrap; gap: .5rem; margin: 1.2rem 0; }
.card { border: 1px solid var(--line); border-radius: 6px; padding: .5rem .8rem; flex: 1 0 auto; }
nav { border-bottom: 1px solid var(--line); padding-bottom: .6rem; } nav a { margin-right: 1.2rem; color: #4a3fa8; }
.card b { display: block; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
.card span { color: var(--faint); }
.card.bad b { color: var(--bad); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; } th, td { padding: .25rem .8rem; text-align: left; white-space: nowrap; }
th { color: var(--faint); font-weight: 600; border-bottom: 2px solid var(--line); }
td { border-bottom: 1px solid var(--line); } tr:nth-child(even) td { background: var(--shade); }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
.bars th, .bars td { padding: .25rem .55rem; } td.bar { position: relative; }
td.bar i { position: absolute; left: 0; bottom: 0; height: 4px;
  background: var(--bar); }
summary { cursor: pointer; color: var(--faint); margin: .3rem 0; }
img { width: 100%; border: 1px solid var(--line); margin: .5rem 0 1rem; }
"""


@dataclass(frozen=True)
class SheetSet:
    """The sheets of one kind of cell. files: paths relative to the page."""

    title: str
    note: str
    files: Sequence[str]


def page(name: str, images: Sequence[IndexedImage], sheets: Sequence[SheetSet], failures: Sequence[str]) -> str:
    """Return the whole page. name: of the data; failures: what could not be read, one line a file."""
    pairs = close_pairs(images)
    sections = [(one.title, _sheets(one)) for one in sheets]
    sections.append(("List of suspicious pairs", _pairs(pairs)))
    for heading, fields in COUNTED_BY.items():
        if any(any(_key(fields)(image)) for image in images):  # no table of a field that nobody filled in
            sections.append((heading, _counts(counted(images, _key(fields)), fields)))
    sections += [("Distances", _distances(distances(images))), ("Sizes and scales", _extents(extents(images)))]
    links = "".join(f'<a href="#s{n}">{escape(heading)}</a>' for n, (heading, _) in enumerate(sections))
    body = [
        f"<h1>{escape(name)}</h1>",
        _cards(images, pairs),
        _warnings(images, failures),
        f"<nav>{links}</nav>",
        *(f'<h2 id="s{n}">{escape(heading)}</h2>{content}' for n, (heading, content) in enumerate(sections)),
    ]
    head = f'<meta charset="utf-8"><title>{escape(name)}: inspection</title><style>{STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n' + "\n".join(body) + "\n</body></html>\n"


def _key(fields: tuple[str, ...]):
    return lambda image: tuple(getattr(image, field) for field in fields)


def _cards(images: Sequence[IndexedImage], pairs: Sequence[Pair]) -> str:
    total = counted(images, lambda _: ())
    count = total[0] if total else Count((), 0, 0, 0, 0, 0, None, None)
    contradictions = sum(pair.contradicts for pair in pairs)
    cards = [
        ("images", f"{count.images:,}", False),
        ("slides", f"{len({(i.dataset, i.slide) for i in images}):,}", False),
        ("mitotic figures", f"{count.mf:,}", False),
        ("imposters", f"{count.nmf:,}", False),
        ("mm²", _number(count.mm2, 2), False),
        ("missing pictures", f"{count.missing:,}", count.missing > 0),
        ("contradictions", f"{contradictions:,}", contradictions > 0),
        ("near-duplicates", f"{len(pairs) - contradictions:,}", len(pairs) > contradictions),
    ]
    shown = (f'<div class="card{" bad" * bad}"><b>{value}</b><span>{what}</span></div>' for what, value, bad in cards)
    return f'<div class="cards">{"".join(shown)}</div>'


def _warnings(images: Sequence[IndexedImage], failures: Sequence[str]) -> str:
    missing = sum(image.missing for image in images)
    unscaled = sum(image.mpp is None for image in images)
    lines = []
    if missing:
        lines.append(f"{missing:,} images have no picture: they are counted here, and not on the sheets.")
    if unscaled:
        lines.append(
            f"{unscaled:,} images have no scale: their lengths are in px, limits as if at {SUPPOSED_MPP.x:g} µm/px "
            f"({MATCH_RADIUS_UM / SUPPOSED_MPP.x:g} px for {MATCH_RADIUS_UM:g} µm), and mm² leave them out."
        )
    lines += [f"Could not be read: {failure}" for failure in failures]
    return "\n".join(f'<div class="warn">{escape(line)}</div>' for line in lines)


def _sheets(one: SheetSet) -> str:
    links = [escape(quote(file)) for file in one.files]
    alt = escape(one.title)
    pictures = "".join(f'<a href="{link}"><img loading="lazy" alt="{alt}" src="{link}"></a>' for link in links)
    return f'<p class="note">{escape(one.note)}</p>{pictures}'


def _pairs(pairs: Sequence[Pair]) -> str:
    note = (
        f"Two annotations of one image closer than {MATCH_RADIUS_UM:g} µm, the radius within which a detection counts "
        "as a figure. A figure and an imposter there contradict each other; two of one kind are one cell marked twice, "
        "or two halves of one figure."
    )
    rows = [
        [
            "contradiction" if pair.contradicts else "near-duplicate",
            pair.image.dataset, pair.image.slide, pair.image.name,
            *(f"{one.label} at {one.x:.0f}, {one.y:.0f}" for one in (pair.first, pair.second)),
            f"{pair.distance:.1f} {'µm' if pair.unit == 'um' else 'px'}",
        ]
        for pair in pairs
    ]  # fmt: skip
    columns = ["", "data set", "slide", "image", "one", "other", "distance"]
    shown = _folded(_table(columns, rows, numbers=1), len(rows)) if rows else "<p>None.</p>"
    return f'<p class="note">{escape(note)}</p>{shown}'


def _counts(counts: Sequence[Count], fields: tuple[str, ...]) -> str:
    names = [{"dataset": "data set"}.get(field, field) for field in fields]
    rows = [
        [
            *(part or "(not given)" for part in count.name),
            f"{count.images:,}", f"{count.missing:,}", f"{count.mf:,}", f"{count.nmf:,}",
            _number(count.mm2, 2), _number(count.mf_per_mm2, 2),
        ]
        for count in counts
    ]  # fmt: skip
    table = _table([*names, "images", "missing", "MF", "NMF", "mm²", "MF per mm²"], rows, numbers=6)
    return _folded(table, len(rows))


def _distances(found: Sequence[Distances]) -> str:
    note = (
        "How many annotations have their nearest other one that many µm away. By the border: within a box "
        f"({BOX_UM:g} µm) of it; what is cut off there is hard to judge, and a patch shows it whole only by chance."
    )
    bins = [
        f"{low:g}-{high:g}" if high < float("inf") else f"over {low:g}" for low, high in pairwise(DISTANCE_EDGES_UM)
    ]
    rows = "".join(
        "<tr>"
        + _cell(one.dataset + (" (no scale)" if one.unscaled else ""))
        + _cell(f"{one.annotations:,}", number=True)
        + "".join(_bar(count, one.annotations) for count in [*one.counts, one.alone])
        + _cell(_number(one.median, 1) + (" px" if one.unscaled else " µm") * (one.median is not None), number=True)
        + _cell(f"{one.by_border:,}", number=True)
        + "</tr>"
        for one in found
    )
    heads = ["annotations", *bins, "alone", "median", "by the border"]
    head = "<th>data set</th>" + "".join(f'<th class="n">{escape(text)}</th>' for text in heads)
    table = f'<div class="scroll"><table class="bars"><tr>{head}</tr>{rows}</table></div>'
    return f'<p class="note">{escape(note)}</p>{table if found else "<p>No annotation.</p>"}'


def _extents(found: Sequence[Extent]) -> str:
    rows = []
    for one in found:
        shown = ", ".join(f"{w:,} x {h:,} ({n:,})" for (w, h), n in one.sizes[:SIZES_SHOWN])
        more = len(one.sizes) - SIZES_SHOWN
        images = sum(n for _, n in one.sizes)
        rows.append(
            [one.dataset, _scale(one.mpp), shown + (f" and {more:,} other sizes" if more > 0 else ""), f"{images:,}"]
        )
    table = _table(["data set", "µm/px", "width x height px (images)", "images"], rows, numbers=1)
    return table if rows else "<p>No image.</p>"


def _scale(mpp: Mpp | None) -> str:
    if mpp is None:
        return "not known"
    return f"{mpp.x:g}" if mpp.x == mpp.y else f"{mpp.x:g} x {mpp.y:g}"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: int) -> str:
    """Return a table; the last `numbers` columns stand to the right."""
    first = len(columns) - numbers
    head = "".join(f"<th{' class=n' * (n >= first)}>{escape(text)}</th>" for n, text in enumerate(columns))
    body = "".join(
        "<tr>" + "".join(_cell(text, number=n >= first) for n, text in enumerate(row)) + "</tr>" for row in rows
    )
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def _cell(text: str, *, number: bool = False) -> str:
    return f"<td{' class=n' * number}>{escape(text)}</td>"


def _bar(count: int, total: int) -> str:
    return f'<td class="n bar">{count:,}<i style="width:{100 * count / total:.1f}%"></i></td>'


def _folded(table: str, rows: int) -> str:
    """Return a long table behind a line that opens it."""
    return table if rows <= 30 else f"<details><summary>{rows:,} rows</summary>{table}</details>"


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"
