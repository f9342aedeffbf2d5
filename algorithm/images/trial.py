"""A file is tried in a process of its own first where a library in C could take the whole program with it.

OpenSlide and SimpleITK abort, or read beyond their own memory, on some damaged headers: a batch of a thousand slides
must not end there, nor a server.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

from algorithm.errors import ImageError

OPENSLIDE, SIMPLEITK = "OpenSlide", "SimpleITK"
PATIENCE_S = 60  # a slide on a slow network drive opens within seconds
MEMORY_BYTES = 4 * 2**30
WINDOW_PX = 256
RAISED = 1  # how Python ends with an exception


def survive(library: str, path: Path) -> None:
    """Return when a process that opened this file with this library came through it.

    An exception of the library is left to the caller, who opens the file again. Raises ImageError when the process
    died or hung.
    """
    root = str(Path(__file__).resolve().parents[2])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))}
    command = [sys.executable, "-m", __name__, library, os.path.abspath(path)]
    try:
        ended = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ImageError(f"{path}: {library} hangs on it ({PATIENCE_S} s); copy or export the file again") from error
    if ended.returncode not in (0, RAISED):
        name = signal.Signals(-ended.returncode).name if ended.returncode < 0 else f"exit code {ended.returncode}"
        raise ImageError(f"{path}: {library} crashes on it ({name}); the file is damaged, copy or export it again")


def _with_openslide(path: str) -> None:
    """Read a window in the corner and in the middle of every level."""
    import openslide

    with openslide.OpenSlide(path) as slide:
        width, height = slide.dimensions
        for level in range(slide.level_count):
            for corner in ((0, 0), (width // 2, height // 2)):
                slide.read_region(corner, level, (WINDOW_PX, WINDOW_PX))


def _with_simpleitk(path: str) -> None:
    import SimpleITK

    SimpleITK.ReadImage(path)


def main() -> None:
    """Open the file named on the command line, in little memory; how it ends is all that is asked for."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    library, path = sys.argv[1:]
    {OPENSLIDE: _with_openslide, SIMPLEITK: _with_simpleitk}[library](path)


if __name__ == "__main__":
    main()
