"""What the sample is on disk: a TIFF in the platform's folder, its inputs.json, and the truth as CSV."""

import csv
import json
import os
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import numpy as np
import tifffile

from drawing.scene import Labelled
from drawing.stains import MPP

SLUG = "histopathology-region-of-interest-cropout"
FOLDER = Path("images/histopathology-roi-cropout")  # below the folder of the interface
IMAGE_NAME = "drawn-sample.tif"  # as a user would have called the upload; on disk it is the id
IMAGE_ID = str(uuid5(NAMESPACE_URL, IMAGE_NAME))
INPUT_ID = str(uuid5(NAMESPACE_URL, SLUG))
PX_PER_CM = round(10_000 / MPP)
QUALITY = 90  # of the JPEG tiles
TILE_PX = 256


def write_image(interface: Path, picture: np.ndarray) -> Path:
    """Write the picture, (height, width, 3) uint8 RGB, as a tiled JPEG TIFF that says its pixel size.

    The tiles are stored as YCbCr and tagged so: libtiff, OpenSlide and tifffile then all give back RGB.
    Neither date nor software is stored, so the bytes depend on the picture alone.
    """
    path = interface / FOLDER / f"{IMAGE_ID}.tif"
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    tifffile.imwrite(
        part,
        picture,
        tile=(TILE_PX, TILE_PX),
        compression="jpeg",
        compressionargs={"level": QUALITY},
        photometric="rgb",
        subsampling=(2, 2),
        resolution=(PX_PER_CM, PX_PER_CM),
        resolutionunit="CENTIMETER",
        metadata=None,
        software=False,
    )
    os.replace(part, path)
    return path


def write_inputs(interface: Path) -> Path:
    """Write inputs.json as the platform does: a list with one item for each input."""
    socket = {
        "title": "Histopathology region of interest cropout",
        "description": "Region of interest of a histopathology slide",
        "slug": SLUG,
        "kind": "Image",
        "pk": 1,  # the platform counts its sockets; readers go by the slug
        "default_value": None,
        "super_kind": "Image",
        "relative_path": FOLDER.as_posix(),
        "overlay_segments": [],
        "look_up_table": None,
    }
    item = {
        "socket": socket,
        "interface": socket,
        "value": None,
        "file": None,
        "image": {"pk": IMAGE_ID, "name": IMAGE_NAME},
        "pk": INPUT_ID,
    }
    return _write_text(interface / "inputs.json", json.dumps([item], indent=2) + "\n")


def write_truth(path: Path, truth: list[Labelled]) -> Path:
    """Write the places of figures and imposters: x and y in px, label MF or NMF, phase or kind."""
    part = path.with_name(f"{path.name}.part")
    with part.open("w", newline="", encoding="utf-8") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        rows.writerow(["x", "y", "label", "phase"])
        rows.writerows([one.x, one.y, one.label, one.phase.value] for one in truth)
    os.replace(part, path)
    return path


def _write_text(path: Path, text: str) -> Path:
    """Write the text so that the file is there complete, or not at all."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)
    return path
