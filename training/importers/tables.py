"""CSV files row by row, with file and line in each message."""

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.index import DataError


@dataclass(frozen=True)
class Row:
    """One row of a table; where: file and line, for messages."""

    where: str
    cells: dict[str, str]

    def text(self, column: str) -> str:
        """Return a cell, stripped; empty where the row or the table has none."""
        return (self.cells.get(column) or "").strip()

    def number(self, column: str) -> float:
        """Return a finite number. Raises DataError."""
        try:
            value = float(self.text(column))
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise DataError(f"{self.where}: {column} is {self.text(column)!r}, not a number")
        return value

    def count(self, column: str) -> int:
        """Return a whole number that is not negative. Raises DataError."""
        value = self.number(column)
        if value < 0 or value != int(value):
            raise DataError(f"{self.where}: {column} is {self.text(column)!r}, not a whole number")
        return int(value)


def header(path: Path, *, delimiter: str = ",") -> list[str]:
    """Return the first line's columns; none of an empty file. Raises DataError."""
    lines = read_text(path).splitlines()
    return [name.strip() for name in next(csv.reader(lines[:1], delimiter=delimiter), [])]


def read_rows(path: Path, columns: Iterable[str], *, delimiter: str = ",") -> list[Row]:
    """Return the rows below a header that holds these columns. Raises DataError."""
    names = header(path, delimiter=delimiter)
    lacking = [column for column in columns if column not in names]
    if lacking:
        found = f"there are: {', '.join(names)}" if names else "the file is empty"
        raise DataError(f"{path}: no column {', '.join(lacking)} ({found})")
    return _rows(path, names, delimiter=delimiter, skip=1)


def read_plain_rows(path: Path, columns: Sequence[str]) -> list[Row]:
    """Return the rows of a table without a header, whose columns are these. Raises DataError."""
    return _rows(path, columns, delimiter=",", skip=0)


def read_text(path: Path) -> str:
    """Return the text of a file, a byte-order mark left out. Raises DataError."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: no text in UTF-8 (byte {error.start}); is it the right file?") from error


def _rows(path: Path, names: Sequence[str], *, delimiter: str, skip: int) -> list[Row]:
    reader = csv.reader(read_text(path).splitlines(keepends=True), delimiter=delimiter, strict=True)
    found = []
    try:
        for number, cells in enumerate(reader):
            if number < skip or not any(cell.strip() for cell in cells):
                continue
            where = f"{path}: line {reader.line_num}"
            if len(cells) != len(names):
                raise DataError(f"{where}: {len(cells)} cells, {len(names)} columns ({', '.join(names)})")
            found.append(Row(where, dict(zip(names, cells, strict=True))))
    except csv.Error as error:
        raise DataError(f"{path}: line {reader.line_num}: {error}") from error
    return found
