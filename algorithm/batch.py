"""Many images, one after the other: what `detect` does between the command line and the detector."""

import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from algorithm.detections import Detections
from algorithm.detector import Detector
from algorithm.errors import ImageError, MitosisError
from algorithm.frames import Mpp
from algorithm.images import SUFFIXES, PartialImage, open_image
from algorithm.images.base import PLAUSIBLE_UM_PER_PX, plausible_mpp
from algorithm.writers import PART_SUFFIX, ensure_writable, is_result, write_all


@dataclass(frozen=True)
class Job:
    """One image and the folder that its results go to."""

    path: Path
    folder: Path


def plan(paths: Sequence[Path], output: Path) -> list[Job]:
    """Return a job for each image named and each image in the folders named, searched to the bottom.

    The result folder is the file's stem; where stems are equal its name; where names are equal its path with
    underscores. An image that is named twice is one. Raises ImageError when a path is not there or a folder
    holds no image.
    """
    every = (path for given in paths for path in _images_at(given, output))
    found = list({os.path.abspath(path): path for path in every}.values())
    return [Job(path, output / name) for path, name in zip(found, _folder_names(found), strict=True)]


def detect_all(
    paths: Sequence[Path],
    output: Path,
    detector: Detector,
    *,
    mpp: Mpp | None,
    partial: bool = False,
    debug: bool = False,
) -> list[int]:
    """Work through all images; print a line for each, and go on after a bad one.

    mpp: um/px for all of them, instead of what the files say. partial: use what can be read of a damaged image.
    debug: show the tracebacks of errors as well.
    Returns the exit codes of those that failed.
    Raises ImageError when there is nothing to do, OutputError when nothing can be written to the output.
    """
    if mpp and plausible_mpp(*mpp) is None:
        low, high = PLAUSIBLE_UM_PER_PX
        raise ImageError(f"--mpp {mpp.x:g}: micrometres per pixel are expected, {low} to {high}; 40x is about 0.25")
    jobs = plan(paths, output)
    ensure_writable(output)
    failed = []
    for number, job in enumerate(jobs, start=1):
        try:
            print(_line(job, *_detect_one(job, detector, mpp, f"{number}/{len(jobs)}", partial=partial)), flush=True)
        except MitosisError as error:
            if debug:
                traceback.print_exc()
            print(f"error: {error}", file=sys.stderr, flush=True)
            failed.append(error.exit_code)
    done = f"{len(jobs) - len(failed)} of {len(jobs)} image(s) done" if failed else f"{len(jobs)} image(s) done"
    print(f"{done}; results in {output.resolve()}", flush=True)
    return failed


def _detect_one(
    job: Job, detector: Detector, mpp: Mpp | None, place: str, *, partial: bool
) -> tuple[Detections, float]:
    """Return what was found in one image, and the seconds it took from opening it to the last file written."""
    start = time.perf_counter()
    bar = Progress(
        TextColumn(f"{place} {{task.description}}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("tiles and sheets"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with bar, open_image(job.path, mpp=mpp) as whole:
        image = PartialImage(whole) if partial else whole
        task = bar.add_task(job.path.name, total=None)
        detections, record = detector.detect(image, lambda done, total: bar.update(task, completed=done, total=total))
        if isinstance(image, PartialImage):
            image.conclude()
        write_all(job.folder, detections, image, record)
    return detections, time.perf_counter() - start


def _line(job: Job, found: Detections, seconds: float) -> str:
    counts = f"{len(found.figures):4d} figures {len(found.candidates):4d} candidates"
    return f"{job.path.name}: {counts}  {found.area_mm2:.2f} mm2  {seconds:.1f} s"


def _images_at(given: Path, output: Path) -> Iterator[Path]:
    if not os.path.exists(given):  # False, not an error, where it may not be looked at
        raise ImageError(f"{given}: no such file or folder")
    if not os.path.isdir(given):
        yield given
        return
    own = output.resolve()
    own_is_inside = given.resolve() in own.parents
    inside = [
        path
        for path in sorted(given.rglob("*"))
        if path.suffix.lower() in SUFFIXES
        and os.path.isfile(path)
        and not (own_is_inside and own in path.resolve().parents)
        and not is_result(path)
    ]
    if not inside:
        raise ImageError(f"{given}: no image in this folder (looked for {', '.join(SUFFIXES)})")
    yield from inside


def _folder_names(paths: Sequence[Path]) -> list[str]:
    stems = Counter(path.stem for path in paths)
    names = Counter(path.name for path in paths)
    common = Path(os.path.commonpath([path.resolve().parent for path in paths])) if paths else Path()
    chosen: dict[str, None] = {}  # in order
    for path in paths:
        if stems[path.stem] == 1:
            name = path.stem
        elif names[path.name] == 1:
            name = path.name
        else:
            name = "_".join(path.resolve().relative_to(common).parts)
        # a_b/c.tif and a/b_c.tif; a.tif beside a.png and a.tif.png; a.part.tif, as a.part is where a is written
        while name in chosen or name.endswith(PART_SUFFIX):
            name += "_"
        chosen[name] = None
    return list(chosen)
