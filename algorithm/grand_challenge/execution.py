"""One case, /input to /output: the exec interface, and what the invoke interface does each time it is asked."""

import logging
import time
from pathlib import Path

from algorithm.budget import Budget
from algorithm.bundle import load_bundle
from algorithm.detector import Detector, Options
from algorithm.errors import OutputError
from algorithm.frames import Mpp
from algorithm.grand_challenge.bounds import warn_beyond
from algorithm.grand_challenge.inputs import find_image
from algorithm.images import Image, PartialImage, open_image
from algorithm.writers import ensure_writable, points_json

log = logging.getLogger(__name__)

BUDGET_S = 0.8 * 20 * 60  # of the platform's 20 minutes for a case
SCAN_UM = 0.25  # um/px of a scan at 40x; four of five regions of MIDOG have 0.22 to 0.25, the others 0.12
PROGRESS_STEPS = 10  # the platform keeps the last 500 lines of a log


def run_case(
    input_folder: Path, output_folder: Path, model: Path, options: Options, *, seconds: float = BUDGET_S
) -> None:
    """Detect the figures of the one image in input_folder and write output_folder/mitotic-figures.json.

    model: folder of the bundle. seconds: see `work_on`; here loading counts, too.
    Raises a MitosisError of any kind; then no output file is left.
    """
    budget = Budget(seconds)
    clear_result(output_folder)
    bundle = load_bundle(model)
    find_image(input_folder)  # a case without an image should not wait for engines to be told so
    work_on(Detector(bundle, options), input_folder, output_folder, budget)


def clear_result(output_folder: Path) -> Path:
    """Return where the result belongs, with no file there: an earlier one must not pass for that of a case that fails.

    Raises OutputError when nothing can be written there.
    """
    target = output_folder / points_json.FILE_NAME
    ensure_writable(output_folder)
    try:
        target.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{target}: cannot be replaced ({error.strerror})") from error
    return target


def work_on(detector: Detector, input_folder: Path, output_folder: Path, budget: Budget) -> None:
    """Work on the case that lies in input_folder now; what both ways of calling do. Raises as `run_case`.

    Nobody can be asked here, and one missing file voids an evaluation: what cannot be read of an image is left out,
    and what there is no time for is given up, each with a warning.
    """
    start = time.perf_counter()
    target = clear_result(output_folder)
    path = find_image(input_folder)
    with open_image(path) as whole:
        image = PartialImage(whole)
        _ensure_scale(image)
        log.info(
            "image: %s, %d x %d px, %.4f um/px, %s",
            path.name,
            *image.size,
            image.mpp.x if image.mpp else 0,
            image.label,
        )
        detections, record = detector.detect(image, _log_progress, budget)
        image.conclude()
        warn_beyond(detections, image.origin_mm)
        points_json.write(target, detections, image.origin_mm)
    found = (
        f"{len(detections.figures)} figures, {len(detections.candidates)} candidates in {detections.area_mm2:.2f} mm2"
    )
    looked = f"{record.tiles} tiles, {record.sheets} sheets, {record.passes} passes"
    log.info("%s; %s, %.1f s; written to %s", found, looked, time.perf_counter() - start, target)


def _ensure_scale(image: Image) -> None:
    """Give an image without a plausible pixel size that of a scan at 40x, loudly: there is nobody to ask."""
    if image.mpp is None:
        log.warning(
            "%s: no plausible pixel size in the file; taken as %g um/px, a scan at 40x", image.path.name, SCAN_UM
        )
        image.mpp = Mpp(SCAN_UM, SCAN_UM)


def _log_progress(done: int, total: int) -> None:
    if done * PROGRESS_STEPS // total > (done - 1) * PROGRESS_STEPS // total:
        log.info("%d of %d tiles and sheets", done, total)
