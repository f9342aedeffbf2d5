"""The unified index on disk: a folder with index.json, images.csv and annotations.csv.

Paths in it are relative to the folder, so that index and pictures can be moved together.
"""

import csv
import json
import os
from collections.abc import Iterable, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from algorithm.atomic import write_bytes
from algorithm.errors import OutputError
from algorithm.frames import Mpp
from training.index import Annotation, DataError, IndexedImage, check

META_NAME, IMAGES_NAME, ANNOTATIONS_NAME = "index.json", "images.csv", "annotations.csv"
FORMAT, VERSION = "mitotic-figure-index", 1
TEXT_COLUMNS = ("dataset", "slide", "glass", "scanner", "tumour", "species")
IMAGE_COLUMNS = (
    "image", "path", *TEXT_COLUMNS, "width", "height", "mpp_x", "mpp_y",
    "window_x", "window_y", "window_width", "window_height", "missing",
)  # fmt: skip
ANNOTATION_COLUMNS = ("image", "x", "y", "label")


def is_index(folder: Path) -> bool:
    """Return whether the folder holds an index of any version."""
    return (folder / META_NAME).is_file()


def write_index(folder: Path, images: Sequence[IndexedImage], *, made_from: dict[str, Any]) -> None:
    """Write an index; made_from: where it comes from, for its reader. index.json comes last: with it, it is whole.

    Raises DataError for what `check` refuses, OutputError when the folder holds an index or cannot be written.
    """
    check(images, str(folder))
    if is_index(folder):
        raise OutputError(f"{folder}: holds an index already; name another folder or remove it")
    root = folder.resolve()
    rows = [_image_row(number, image, root) for number, image in enumerate(images)]
    cells = [
        {"image": number, "x": f"{cell.x:.6g}", "y": f"{cell.y:.6g}", "label": cell.label}
        for number, image in enumerate(images)
        for cell in image.annotations
    ]
    counts = {"images": len(rows), "annotations": len(cells)}  # a reader sees by them whether the tables are whole
    meta = {"format": FORMAT, "version": VERSION, **counts, "made_from": made_from}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made ({error.strerror})") from error
    write_bytes(folder / IMAGES_NAME, _csv(IMAGE_COLUMNS, rows))
    write_bytes(folder / ANNOTATIONS_NAME, _csv(ANNOTATION_COLUMNS, cells))
    write_bytes(folder / META_NAME, (json.dumps(meta, indent=1, sort_keys=True) + "\n").encode())


def read_index(folder: Path) -> list[IndexedImage]:
    """Return the images of an index. Raises DataError when it is of another version, cut short or not sound."""
    meta = _meta(folder / META_NAME)
    try:
        with (folder / IMAGES_NAME).open(newline="") as file:
            rows = list(csv.DictReader(file))
        cells: list[list[Annotation]] = [[] for _ in rows]
        with (folder / ANNOTATIONS_NAME).open(newline="") as file:
            for cell in csv.DictReader(file):
                if cell["label"] not in ("MF", "NMF"):
                    raise ValueError(f"label {cell['label']!r} is neither MF nor NMF")
                cells[int(cell["image"])].append(Annotation(float(cell["x"]), float(cell["y"]), cell["label"]))
        found = {"images": len(rows), "annotations": sum(map(len, cells))}
        if found != {name: meta[name] for name in found}:
            raise ValueError(f"it holds {found}, index.json promises others")
        images = [_image(row, tuple(cells_of), folder) for row, cells_of in zip(rows, cells, strict=True)]
    except (OSError, KeyError, ValueError, IndexError, TypeError) as error:
        raise DataError(
            f"{folder}: the index cannot be read ({type(error).__name__}: {error}); import it again"
        ) from error
    check(images, str(folder))
    return images


def _meta(path: Path) -> dict[str, Any]:
    """Return the content of index.json, of a version that is read here."""
    try:
        meta = json.loads(path.read_text())
        name, version = meta["format"], meta["version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: no index of this project ({type(error).__name__}: {error})") from error
    if (name, version) != (FORMAT, VERSION):
        raise DataError(f"{path}: {name} of version {version}, this program reads {FORMAT} {VERSION}; import it again")
    return meta


def _image_row(number: int, image: IndexedImage, root: Path) -> dict[str, Any]:
    window = image.window or ("", "", "", "")
    return {
        "image": number,
        "path": os.path.relpath(image.path.resolve(), root),
        **{name: getattr(image, name) for name in TEXT_COLUMNS},
        "width": image.size[0],
        "height": image.size[1],
        **dict(zip(("mpp_x", "mpp_y"), image.mpp or ("", ""), strict=True)),
        **dict(zip(("window_x", "window_y", "window_width", "window_height"), window, strict=True)),
        "missing": int(image.missing),
    }


def _image(row: dict[str, str], annotations: tuple[Annotation, ...], folder: Path) -> IndexedImage:
    corner = [row[name] for name in ("window_x", "window_y", "window_width", "window_height")]
    x, y, width, height = map(int, corner) if corner[0] else (0, 0, 0, 0)
    return IndexedImage(
        path=Path(os.path.normpath(folder / row["path"])),
        size=(int(row["width"]), int(row["height"])),
        mpp=Mpp(float(row["mpp_x"]), float(row["mpp_y"])) if row["mpp_x"] else None,
        annotations=annotations,
        window=(x, y, width, height) if corner[0] else None,
        missing=row["missing"] == "1",
        **{name: row[name] for name in TEXT_COLUMNS},
    )


def _csv(columns: Sequence[str], rows: Iterable[dict[str, Any]]) -> bytes:
    text = StringIO()
    writer = csv.DictWriter(text, fieldnames=columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
