"""What the configs of an ablation are worth: their differences to the first, beside what a seed alone changes."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from training.experiments.ablation import Row
from training.experiments.scored import ENSEMBLE

MEASURES = ("ap", "f1")
HEADINGS = ("config", "iterations", "seeds", "AP", "difference", "best F1", "difference")


def compare(rows: Sequence[Row], slides: Sequence[str]) -> dict[str, Any]:
    """Return the scores of the ensembles by config, and of each average against its ensemble over all runs.

    The first row's config is the reference. spread: the standard deviation from seed to seed, pooled over the configs
    (None with one seed each); a difference's error is the standard error that follows from it.
    """
    reference = rows[0].config
    together: dict[str, dict[int, Row]] = defaultdict(dict)
    for row in rows:
        if row.network == ENSEMBLE:
            together[row.config][row.seed] = row
    spread = {measure: _pooled([_values(runs, measure) for runs in together.values()]) for measure in MEASURES}
    return {
        "reference": reference,
        "slides": list(slides),
        "spread": spread,
        "configs": [_config(name, runs, together[reference], spread) for name, runs in together.items()],
        "averages": _averages(rows, together),
    }


def _config(
    name: str, runs: dict[int, Row], reference: dict[int, Row], spread: dict[str, float | None]
) -> dict[str, Any]:
    shared = sorted(set(runs) & set(reference))
    scores: dict[str, Any] = {}
    for measure in MEASURES:
        apart = [getattr(runs[seed], measure) - getattr(reference[seed], measure) for seed in shared]
        sd = spread[measure]
        scores[measure] = {
            "values": _values(runs, measure),
            "differences": apart,
            "difference": float(np.mean(apart)) if apart else None,
            "error": sd * math.sqrt(2 / len(shared)) if sd is not None and shared else None,
        }
    return {"config": name, "seeds": sorted(runs), "iterations": runs[min(runs)].iterations, **scores}


def _averages(rows: Sequence[Row], together: dict[str, dict[int, Row]]) -> list[dict[str, Any]]:
    """Return what one average alone is worth against all of them: the same runs, so that the seed plays no part."""
    apart: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in rows:
        ensemble = together[row.config].get(row.seed)
        if row.network != ENSEMBLE and ensemble:
            apart[row.network].append((row.ap - ensemble.ap, row.f1 - ensemble.f1))
    return [
        {
            "network": name,
            "runs": len(pairs),
            **{
                measure: {"difference": float(np.mean(values)), "error": _error(values)}
                for measure, values in zip(MEASURES, zip(*pairs, strict=True), strict=True)
            },
        }
        for name, pairs in apart.items()
    ]


def _values(runs: dict[int, Row], measure: str) -> list[float]:
    return [getattr(runs[seed], measure) for seed in sorted(runs)]


def _pooled(groups: Iterable[Sequence[float]]) -> float | None:
    """Return the standard deviation within groups; None where no group has two values."""
    squares, freedom = 0.0, 0
    for group in groups:
        squares += float(((np.array(group) - np.mean(group)) ** 2).sum())
        freedom += len(group) - 1
    return math.sqrt(squares / freedom) if freedom else None


def _error(values: Sequence[float]) -> float | None:
    return float(np.std(values, ddof=1) / math.sqrt(len(values))) if len(values) > 1 else None


def lines(compared: dict[str, Any]) -> list[list[str]]:
    """Return the table, a row of HEADINGS for each config, then one for each average alone."""
    found = []
    for one in compared["configs"]:
        is_reference = one["config"] == compared["reference"]
        row = [one["config"], str(one["iterations"]), ", ".join(map(str, one["seeds"]))]
        for measure in MEASURES:
            row.append(" / ".join(f"{value:.3f}" for value in one[measure]["values"]))
            row.append("reference" if is_reference else _difference(one[measure]))
        found.append(row)
    for one in compared["averages"]:
        apart = [text for measure in MEASURES for text in ("", _difference(one[measure]))]
        found.append([f"{one['network']} alone, against all averages", "", f"{one['runs']} runs", *apart])
    return found


def _difference(scored: dict[str, Any]) -> str:
    if scored["difference"] is None:
        return "-"
    error = "" if scored["error"] is None else f" ± {scored['error']:.3f}"
    return f"{scored['difference']:+.3f}{error}"


def markdown(compared: dict[str, Any]) -> str:
    """Return the table for a document."""
    rows = [HEADINGS, ["---"] * len(HEADINGS), *lines(compared)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
