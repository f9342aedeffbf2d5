"""constraints.txt: what an image holds is pinned, whatever its requirements bring along."""

import importlib.metadata
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def normalised(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(name):
    lines = (ROOT / name).read_text().splitlines()
    return {normalised(line.split("==")[0]): line.split("==")[1].split()[0] for line in lines if "==" in line}


def needed(names):
    """Return what these packages bring along, by this environment's metadata, without extras and other platforms."""
    found, open_ones = set(), list(names)
    while open_ones:
        name = open_ones.pop()
        for text in importlib.metadata.requires(name) or []:
            if re.search(r"extra ==|sys_platform == .win|platform_system == .Windows", text):
                continue
            inner = normalised(re.match(r"[\w.-]+", text)[0])
            try:
                importlib.metadata.version(inner)
            except importlib.metadata.PackageNotFoundError:
                continue  # not for this Python
            if inner not in found:
                found.add(inner)
                open_ones.append(inner)
    return found


def test_every_package_of_the_cpu_image_is_pinned():
    direct = pins("requirements.txt")
    assert needed(direct) - set(direct) - set(pins("constraints.txt")) == set(), "pin these in constraints.txt"


def test_nothing_is_pinned_twice():
    both = pins("constraints.txt").keys() & (pins("requirements.txt") | pins("requirements-gpu.txt")).keys()
    assert both == set()
