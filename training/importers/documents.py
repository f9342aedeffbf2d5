"""JSON and XML files, with file and line in each message."""

import json
import xml.etree.ElementTree as Xml
from pathlib import Path
from typing import Any

from training.importers.tables import read_text
from training.index import DataError


def read_json(path: Path) -> Any:
    """Return the content. Raises DataError."""
    text = read_text(path)
    if not text.strip():
        raise DataError(f"{path}: the file is empty")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{path}: line {error.lineno}: no valid JSON ({error.msg})") from error


def read_xml(path: Path, root: str) -> Xml.Element:
    """Return the root, which is of this name. Raises DataError."""
    text = read_text(path)
    if not text.strip():
        raise DataError(f"{path}: the file is empty")
    try:
        element = Xml.fromstring(text)
    except Xml.ParseError as error:
        raise DataError(f"{path}: line {error.position[0]}: no valid XML ({error})") from error
    if element.tag != root:
        raise DataError(f"{path}: its root is <{element.tag}>, not <{root}>; is it of another format?")
    return element


def field(entry: Any, name: str, where: str) -> Any:
    """Return a field of a JSON object. Raises DataError when there is none."""
    if not isinstance(entry, dict) or name not in entry:
        raise DataError(f"{where}: no {name!r}; is it of another format?")
    return entry[name]


def entries(document: Any, name: str, where: str) -> list[Any]:
    """Return a list of a JSON object. Raises DataError when it is none."""
    found = field(document, name, where)
    if not isinstance(found, list):
        raise DataError(f"{where}: {name!r} is no list; is it of another format?")
    return found


def numbers(values: Any, count: int, where: str) -> list[float]:
    """Return that many numbers of a JSON list. Raises DataError."""
    is_list = isinstance(values, list) and len(values) == count
    if not is_list or not all(isinstance(value, int | float) and abs(value) < float("inf") for value in values):
        raise DataError(f"{where}: {values!r} is no list of {count} numbers")
    return [float(value) for value in values]
