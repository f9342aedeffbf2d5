"""Where built engines (TensorRT calls them plans) lie, and which of them fits.

A plan runs on one architecture and one version of TensorRT, and holds one member's network for one number of tiles.
All of that is in its name; the member's name holds the hash of its content.
"""

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

FOLDER = "tensorrt"  # in a bundle
BATCHES = (4, 1)  # tiles of 960 px at a time; one fills a T4, and is what is left when memory is short
NAME = re.compile(r"(?P<member>.+)\.sm(?P<arch>\d+)\.trt(?P<version>[\d.]+)\.b(?P<batch>\d+)\.plan")


@dataclass(frozen=True)
class Plan:
    """A built engine. arch: compute capability without its dot; version: of TensorRT; batch: tiles at a time."""

    member: str
    arch: str
    version: str
    batch: int

    @property
    def name(self) -> str:
        """Its file's name."""
        return f"{self.member}.sm{self.arch}.trt{self.version}.b{self.batch}.plan"


def folders(member: Path) -> list[Path]:
    """Return where plans are looked for: beside the member, then where engines are built at start."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path(tempfile.gettempdir()) / "cache"
    return [member.parent / FOLDER, Path(cache) / "mitosis" / FOLDER]


def fitting(member: Path, *, arch: str, version: str, most: int | None = None) -> Path | None:
    """Return the plan of this member for this GPU and TensorRT with the most tiles at a time, at most `most`."""
    found = []
    for folder in folders(member):
        for path in sorted(folder.glob("*.plan")) if folder.is_dir() else ():
            match = NAME.fullmatch(path.name)
            if match is None or (match["member"], match["arch"], match["version"]) != (member.stem, arch, version):
                continue
            if most is None or int(match["batch"]) <= most:
                found.append((int(match["batch"]), path))
    return max(found, key=lambda one: one[0])[1] if found else None


def batch_of(plan: Path) -> int:
    """Return how many tiles at a time a plan takes, by its name."""
    match = NAME.fullmatch(plan.name)
    return int(match["batch"]) if match else 1


def others(member: Path) -> list[str]:
    """Return what plans of this member there are for other GPUs and versions, as in `sm86.trt10.16.1.11`."""
    names = [NAME.fullmatch(path.name) for folder in folders(member) for path in folder.glob("*.plan")]
    return sorted({f"sm{one['arch']}.trt{one['version']}" for one in names if one and one["member"] == member.stem})
