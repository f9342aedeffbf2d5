"""Finding the one image of a case, in every layout that the MIDOG challenges have used.

2025: /input/inputs.json names the socket, its relative_path holds the file. 2022: the same folder without
inputs.json. 2021: the file lies directly in /input.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from algorithm.errors import PlatformError, one_line

INPUTS_FILE = "inputs.json"
MIDOG_SLUG = "histopathology-region-of-interest-cropout"
MIDOG_FOLDER = Path("images/histopathology-roi-cropout")
MOST_SHOWN = 300  # characters of what a message quotes; no folder of the platform's has as many
SUFFIXES = (".tif", ".tiff", ".mha")


def find_image(folder: Path) -> Path:
    """Return the image of the case. Raises PlatformError when there is none, or more than one."""
    if not os.path.isdir(folder):
        raise PlatformError(f"{folder}: no such input folder, or it may not be looked at")
    named = _socket_folder(folder / INPUTS_FILE)
    places = [folder / named] if named else [folder / MIDOG_FOLDER, folder]
    for place in places:
        found = _images_in(place)
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(path.name for path in found)
            raise PlatformError(f"{place}: {len(found)} images found where one is expected ({names})")
    looked = " or ".join(str(place) for place in places)
    raise PlatformError(f"{looked}: no image found (one file with {', '.join(SUFFIXES)} is expected)")


def _images_in(folder: Path) -> list[Path]:
    if not os.path.isdir(folder):
        return []
    try:
        return sorted(path for path in folder.iterdir() if path.is_file() and path.suffix.lower() in SUFFIXES)
    except OSError as error:
        raise PlatformError(f"{folder}: cannot be searched ({error.strerror})") from error


def _socket_folder(path: Path) -> Path | None:
    """Return the image's folder by inputs.json, relative to the input folder; None where there is no such file."""
    if not os.path.exists(path):
        return None
    try:
        items = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise PlatformError(f"{path}: cannot be read as JSON ({one_line(error)})") from error
    sockets = list(_image_sockets(items if isinstance(items, list) else []))
    chosen = [socket for socket in sockets if socket.get("slug") == MIDOG_SLUG] or sockets
    if len(chosen) != 1:
        slugs = ", ".join(str(socket.get("slug")) for socket in sockets) or "none"
        raise PlatformError(f"{path}: one image socket, {MIDOG_SLUG}, is expected; found {slugs[:MOST_SHOWN]}")
    relative = Path(str(chosen[0].get("relative_path", "")))
    outside = not relative.parts or relative.is_absolute() or ".." in relative.parts
    if outside or "\0" in str(relative) or len(str(relative)) > MOST_SHOWN:
        raise PlatformError(f"{path}: relative_path {str(relative)[:MOST_SHOWN]!r} is no folder below the input")
    return relative


def _image_sockets(items: list[Any]) -> Iterator[dict[str, Any]]:
    """Yield the socket (older: interface) of each input that is an image."""
    for item in items:
        socket = item.get("socket") or item.get("interface") if isinstance(item, dict) else None
        if isinstance(socket, dict) and "Image" in (socket.get("kind"), socket.get("super_kind")):
            yield socket
