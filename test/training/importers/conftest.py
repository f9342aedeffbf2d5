"""Sources of every format, written by code, and imports of them into an index that is read again."""

import csv
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from training.importers.base import Imported, Options
from training.importers.command import import_data
from training.index import IndexedImage
from training.store import read_index


@pytest.fixture
def imported(tmp_path: Path) -> Callable[..., list[IndexedImage]]:
    """Return a function that imports a source and gives what its index holds; options as in Options."""

    def run(name: str, source: Path, **options: Any) -> list[IndexedImage]:
        output = tmp_path / "index"
        import_data(name, [source], Options(**options), output)
        return read_index(output)

    return run


@pytest.fixture
def left_out(tmp_path: Path) -> Callable[..., Imported]:
    """Return a function that imports a source and gives what was left out and changed."""

    def run(name: str, source: Path, **options: Any) -> Imported:
        return import_data(name, [source], Options(**options), tmp_path / "index")

    return run


@pytest.fixture
def picture(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that draws an even picture under tmp_path; dpi: where the file shall tell its scale."""

    def draw(name: str, size: tuple[int, int] = (400, 300), **saved: Any) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(np.full((size[1], size[0], 3), 200, np.uint8)).save(path, **saved)
        return path

    return draw


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, Any], Path]:
    """Return a function that writes text, rows of a CSV, or else JSON under tmp_path."""

    def to(name: str, content: Any) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            path.write_text(content)
        elif path.suffix == ".csv":
            with path.open("w", newline="") as file:
                csv.writer(file).writerows(content)
        else:
            path.write_text(json.dumps(content))
        return path

    return to


@pytest.fixture
def database(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a SlideRunner database: slides (filename, directory), and annotations.

    An annotation is (number of its slide from 1, number of its class from 1, its coordinates, whether deleted).
    """

    def make(
        slides: list[tuple[str, str | None]],
        annotations: list[tuple[int, int | None, list[tuple[float, float]], int]],
        classes: tuple[str, ...] = ("Mitose", "Hard negative"),
        *,
        old: bool = False,
        size: tuple[int | None, int | None] = (400, 300),
        name: str = "cells.sqlite",
    ) -> Path:
        path = tmp_path / name
        with sqlite3.connect(path) as file:
            file.execute("CREATE TABLE Slides (uid INTEGER, filename, width, height, directory)")
            file.execute(f"CREATE TABLE Annotations (uid, slide, type, agreedClass{'' if old else ', deleted'})")
            file.execute("CREATE TABLE Annotations_coordinates (coordinateX, coordinateY, slide, annoId)")
            file.execute("CREATE TABLE Classes (uid, name)")
            file.executemany("INSERT INTO Classes VALUES (?, ?)", enumerate(classes, 1))
            for uid, (filename, directory) in enumerate(slides, 1):
                file.execute("INSERT INTO Slides VALUES (?, ?, ?, ?, ?)", (uid, filename, *size, directory))
            for uid, (slide, kind, places, deleted) in enumerate(annotations, 1):
                row = (uid, slide, len(places), kind, *([] if old else [deleted]))
                file.execute(f"INSERT INTO Annotations VALUES ({', '.join('?' * len(row))})", row)
                rows = [(x, y, slide, uid) for x, y in places]
                file.executemany("INSERT INTO Annotations_coordinates VALUES (?, ?, ?, ?)", rows)
        file.close()
        return path

    return make


@pytest.fixture
def midog_json() -> Callable[..., dict[str, Any]]:
    """Return a function that makes the content of MIDOG.json: boxes by image, x1 y1 x2 y2 and the category."""

    def content(
        boxes: dict[str, list[tuple[list[float], int]]], size: tuple[int, int] = (400, 300), **image: Any
    ) -> dict[str, Any]:
        names = list(boxes)
        listed = [(name, *box) for name in names for box in boxes[name]]
        return {
            "info": {"description": "MIDOG"},
            "images": [
                {"id": n, "file_name": name, "width": size[0], "height": size[1], **image}
                for n, name in enumerate(names)
            ],
            "categories": [{"id": 1, "name": "mitotic figure"}, {"id": 2, "name": "not mitotic figure"}],
            "annotations": [
                {"id": n, "image_id": names.index(name), "category_id": category, "bbox": bbox}
                for n, (name, bbox, category) in enumerate(listed)
            ],
        }

    return content
