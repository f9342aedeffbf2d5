"""What a run remembers of the weights that it began from: they saw slides, and so did all that comes of them."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from algorithm.atomic import write_bytes
from training import processes
from training.hooks.checkpoint import latest
from training.index import DataError, IndexedImage
from training.members import TRAINED_ON, has_seen
from training.model import Facts
from training.pretrained.sources import Source
from training.settings import SettingsError

RECORD_NAME = "pretrained.json"


def recorded(work_dir: Path, source: Source | None) -> dict[str, Any] | None:
    """Return what is known of the weights that the run in this folder began from; written there at its start.

    Raises SettingsError for a run that has saved something and began from other weights, or that has saved nothing
    and would now begin from random ones.
    """
    path = work_dir / RECORD_NAME
    before = json.loads(path.read_text()) if path.exists() else None
    if latest(work_dir):
        if source and source.sha256 != (before or {}).get("sha256"):
            name = before["name"] if before else "random weights"
            raise SettingsError(f"{work_dir}: the run began from {name}; leave out --pretrained to go on with it")
        return before
    if source is None:
        if before:
            raise SettingsError(
                f"{path}: the run was to begin from {before['name']} and has saved nothing yet; "
                "name that again with --pretrained, or delete this file"
            )
        return None
    record = source.facts() | {"trained_on": source.trained_on}
    if processes.rank() == 0:
        write_bytes(path, (json.dumps(record, indent=1) + "\n").encode())
    return record


def with_record(facts: Facts, record: dict[str, Any] | None, held_back: Sequence[IndexedImage]) -> Facts:
    """Return the facts of a network with what its first weights were trained on.

    Raises DataError when these saw what is held back: its scores would be too good.
    """
    if record is None:
        return facts
    before = record["trained_on"]
    known = sorted({image.slide for image in held_back if has_seen(before, image)})
    if known:
        raise DataError(f"{record['name']} was trained on held-back slide(s) {', '.join(known)}; hold others back")
    training = dict(facts.training)
    for key in TRAINED_ON:
        training[key] = sorted({*training.get(key, []), *before.get(key, [])})
    training["pretrained"] = {key: value for key, value in record.items() if key != "trained_on"}
    return replace(facts, training=training)
