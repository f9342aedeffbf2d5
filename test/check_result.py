"""python test/check_result.py FILE: whether the platform and MIDOG's evaluation would take a result. No project code.

The rules are the platform's schema of `Multiple points` and what DeepMicroscopy/MIDOG25_T1_evaluation_docker asserts:
one bad point loses a whole submission.
"""

import json
import sys
from pathlib import Path

LOWEST_MM, HIGHEST_MM = -0.0075, 10.0
NAMES = ("mitotic figure", "non-mitotic figure")


def refuse(text: str) -> None:
    """Stand in for NaN and Infinity, which no JSON has."""
    raise ValueError(f"{text} is no JSON")


def faults(path: Path) -> list[str]:
    """Return what is wrong with a result, in words."""
    try:
        result = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    except (OSError, ValueError) as error:
        return [f"cannot be read: {error}"]
    if set(result) != {"name", "type", "points", "version"}:
        return [f"keys {sorted(result)}"]
    said = [f"type {result['type']!r}"] * (result["type"] != "Multiple points")
    said += [f"version {result['version']}"] * (result["version"] != {"major": 1, "minor": 0})
    for number, point in enumerate(result["points"]):
        good = set(point) == {"name", "point", "probability"}
        good = good and point["name"] in NAMES and 0 <= point["probability"] <= 1 and len(point["point"]) == 3
        if not (good and all(LOWEST_MM <= value <= HIGHEST_MM for value in point["point"][:2])):
            said.append(f"point {number}: {point}")
    return said


if __name__ == "__main__":
    found = faults(Path(sys.argv[1]))
    print("\n".join(found[:20]) or f"{sys.argv[1]}: a valid result", file=sys.stderr if found else sys.stdout)
    sys.exit(bool(found))
