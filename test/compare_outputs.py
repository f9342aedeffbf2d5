"""Compares a result with the expected one by tolerance: `compare_outputs.py FOUND EXPECTED [--model DIR]`.

Engines and CPUs round differently, so bytes are not compared: a point has to be there within 0.5 um and with a
probability within 0.02. What lies that close to a threshold may be named otherwise, or be missing.
"""

import argparse
import json
import sys
from pathlib import Path

import yaml

POINT_UM, PROBABILITY = 0.5, 0.02
UM_PER_MM = 1000.0


def differences(found: dict, expected: dict, thresholds: list[float]) -> list[str]:
    """Return what differs, in words; thresholds: probabilities at which a name or a presence may change."""
    said = []
    left = list(found["points"])
    for point in expected["points"]:
        matches = [other for other in left if _distance_um(point, other) <= POINT_UM]
        near = [t for t in thresholds if abs(point["probability"] - t) <= PROBABILITY]
        if not matches:
            if not near:
                said.append(f"missing: {point}")
            continue
        match = min(matches, key=lambda other: _distance_um(point, other))
        left.remove(match)
        if abs(match["probability"] - point["probability"]) > PROBABILITY:
            said.append(f"probability {match['probability']} for {point}")
        elif match["name"] != point["name"] and not near:
            said.append(f"named {match['name']!r}: {point}")
    said += [
        f"unexpected: {point}" for point in left if all(abs(point["probability"] - t) > PROBABILITY for t in thresholds)
    ]
    return said + [f"{key}: {found[key]!r}" for key in ("name", "type", "version") if found[key] != expected[key]]


def _distance_um(one: dict, other: dict) -> float:
    (x1, y1, _), (x2, y2, _) = one["point"], other["point"]
    return UM_PER_MM * ((x1 - x2) ** 2 + (y1 - y2) ** 2) ** 0.5


def main() -> int:
    """Print the differences; return 1 when there are any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("found", type=Path)
    parser.add_argument("expected", type=Path)
    parser.add_argument("--model", type=Path, default=Path("model"))
    arguments = parser.parse_args()
    bundle = yaml.safe_load((arguments.model / "bundle.yaml").read_text())
    found, expected = (json.loads(path.read_text()) for path in (arguments.found, arguments.expected))
    said = differences(found, expected, [bundle["threshold"], bundle["reporting_threshold"]])
    print("\n".join(said) or f"as expected: {len(expected['points'])} points within {POINT_UM} um and {PROBABILITY}")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
