"""Files and folders that are whole or not there: written as `<name>.part`, then renamed."""

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from algorithm.errors import OutputError

PART_SUFFIX = ".part"
ABANDONED_S = 600  # no file of ours takes so long to write
DESKTOP_FILES = frozenset({".DS_Store", "Thumbs.db"})  # file managers put them into every folder they show


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file. Raises OutputError, and leaves nothing behind. Two jobs that write it at once both succeed."""
    part = path.with_name(path.name + PART_SUFFIX)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if _is_written_by_another(part):
            part = path.with_name(f"{path.name}.{secrets.token_hex(4)}{PART_SUFFIX}")
        part.write_bytes(content)
        part.replace(path)
    except BaseException as error:
        _forget(part)  # not after a success: the name may be another's by then
        if isinstance(error, OSError):
            raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
        raise


def _is_written_by_another(part: Path) -> bool:
    """Claim a name, or say that another job has it; what is old was left by one that was killed."""
    try:
        part.touch(exist_ok=False)
    except FileExistsError:
        try:
            return time.time() - part.stat().st_mtime < ABANDONED_S
        except FileNotFoundError:  # it is done just now; the name is not ours all the same
            return True
    return False


def ensure_writable(folder: Path) -> None:
    """Make the folder, and find out before the work whether its results can be kept. Raises OutputError."""
    probe = folder / f".writable{PART_SUFFIX}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink(missing_ok=True)  # of a job beside this one
    except OSError as error:
        reason = f"cannot be written ({error.strerror}); name another folder with --output"
        raise OutputError(f"{folder}: {reason}") from error


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Give a temporary folder beside `folder` that takes its place at the end; an earlier one is replaced.

    Raises OutputError, also where the folder holds what is no result; on any error nothing of the new is left,
    and the earlier one stays.
    """
    part = folder.with_name(folder.name + PART_SUFFIX)
    try:
        _forget(part)
        part.mkdir(parents=True)
        yield part
        if folder.exists():
            _remove_earlier(folder, {path.name for path in part.iterdir()})
        part.replace(folder)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror})") from error
    finally:
        _forget(part)


def _remove_earlier(folder: Path, known: set[str]) -> None:
    """Take an earlier result away. A folder that holds anything else is somebody's: it only has the same name."""
    strange = sorted({path.name for path in folder.iterdir()} - known - DESKTOP_FILES)
    if strange:
        raise OutputError(f"{folder}: holds {strange[0]}, which is no result; name another folder with --output")
    shutil.rmtree(folder)


def _forget(path: Path) -> None:
    if os.path.isdir(path):  # False, not an error, where the name is too long
        shutil.rmtree(path, ignore_errors=True)
    else:
        try:
            path.unlink(missing_ok=True)
        except OSError:
            return  # the folder itself is not writable: the error that matters is on its way
