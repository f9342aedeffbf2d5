"""Packs a bundle for the platform: `pack_model.py MODEL TARGET` writes the folder's content without the folder.

The same bundle gives the same bytes: sorted, no owner, no clock.
"""

import argparse
import gzip
import os
import tarfile
from pathlib import Path


def pack_model(model: Path, target: Path) -> None:
    """Write the gzip tar that the platform unpacks to /opt/ml/model."""
    part = target.with_name(f"{target.name}.part")
    with (
        part.open("wb") as file,
        gzip.GzipFile("", "wb", 6, file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive,
    ):
        for path in sorted(model.rglob("*")):
            if not path.name.startswith("."):
                archive.add(path, str(path.relative_to(model)), recursive=False, filter=_anonymous)
    os.replace(part, target)


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o755 if entry.isdir() else 0o644  # the image's user, whoever that is, has to read it
    return entry


def main() -> None:
    """Pack a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("target", type=Path)
    arguments = parser.parse_args()
    pack_model(arguments.model, arguments.target)


if __name__ == "__main__":
    main()
