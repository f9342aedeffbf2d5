"""Lays a picture out as a case of the platform: `make_case.py IMAGE FOLDER --mpp UM`.

Writes FOLDER/inputs.json and a TIFF with the picture's own pixels and that resolution, named as the platform names it.
"""

import argparse
import json
import uuid
from pathlib import Path

import cv2
import tifffile

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "test" / "input" / "interf0"  # its inputs.json is the platform's own
CM_IN_UM = 10_000


def make_case(picture: Path, folder: Path, *, mpp: float) -> Path:
    """Return the TIFF of a new case in folder, which must not be there yet."""
    pixels = cv2.imread(str(picture), cv2.IMREAD_COLOR)
    if pixels is None:
        raise SystemExit(f"error: {picture}: cannot be read as a picture; name a JPEG, PNG or plain TIFF")
    inputs = json.loads((SAMPLE / "inputs.json").read_text(encoding="utf-8"))
    relative = Path(inputs[0]["socket"]["relative_path"])
    # named by the picture, so that the same picture is the same case
    path = folder / relative / f"{uuid.uuid5(uuid.NAMESPACE_URL, picture.name)}.tif"
    path.parent.mkdir(parents=True)
    per_cm = CM_IN_UM / mpp
    tifffile.imwrite(
        path,
        cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB),
        photometric="rgb",
        tile=(512, 512),
        compression="deflate",
        resolution=(per_cm, per_cm),
        resolutionunit="CENTIMETER",
    )
    inputs[0]["image"]["name"] = picture.name
    (folder / "inputs.json").write_text(json.dumps(inputs, indent=2), encoding="utf-8")
    return path


def main() -> None:
    """Make the case and print where its image lies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--mpp", type=float, required=True, help="um/px of the picture")
    arguments = parser.parse_args()
    print(make_case(arguments.image, arguments.folder, mpp=arguments.mpp))


if __name__ == "__main__":
    main()
