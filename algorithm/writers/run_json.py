"""`run.json`: what ran, with what, how long; beside the result, for whoever asks later where it came from."""

import json
from dataclasses import asdict
from pathlib import Path

from algorithm.atomic import write_bytes
from algorithm.detections import Detections
from algorithm.record import RunRecord

FILE_NAME = "run.json"
SECONDS_DECIMALS = 3


def write(path: Path, detections: Detections, record: RunRecord) -> None:
    """Write the record with the image's facts and the counts. Times differ from run to run. Raises OutputError."""
    facts = asdict(record) | {
        "seconds": {stage: round(seconds, SECONDS_DECIMALS) for stage, seconds in record.seconds.items()},
        "size_px": detections.size,
        "mpp": detections.mpp,
        "threshold": detections.threshold,
        "figures": len(detections.figures),
        "candidates": len(detections.candidates),
    }
    write_bytes(path, (json.dumps(facts, indent=1, sort_keys=True, allow_nan=False) + "\n").encode())
