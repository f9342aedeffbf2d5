"""`python -m training import`: data of one format into an index."""

from collections.abc import Sequence
from pathlib import Path

from algorithm.errors import OutputError
from training.importers import FORMATS
from training.importers.base import Imported, Options
from training.index import DataError, IndexedImage, check
from training.store import is_index, write_index

FLAGS = {
    "images": "--images",
    "allow_missing": "--allow-missing-images",
    "mpp": "--mpp",
    "data_set": "--data-set",
    "prefix": "--prefix",
    "metadata": "--metadata",
    "classes": "--classes",
}
SHOWN = 3  # names in a message


def import_data(name: str, sources: Sequence[Path], options: Options, output: Path) -> Imported:
    """Read the sources, write their index, and return what is in it and what is not.

    Raises DataError or ImageError for data that cannot be used, OutputError for an output that cannot; nothing is
    written then.
    """
    if name not in FORMATS:
        raise DataError(f"{name!r} is no format that is read; these are: {', '.join(FORMATS)}")
    module = FORMATS[name]
    unused = sorted(FLAGS[option] for option in options.given - module.OPTIONS)
    if unused:
        used = ", ".join(FLAGS[option] for option in FLAGS if option in module.OPTIONS)
        raise DataError(f"import {name} does not use {', '.join(unused)} (it uses {used})")
    if is_index(output):
        raise OutputError(f"{output}: holds an index already; name another folder or remove it")
    parts = [_read(name, source, options) for source in sources]
    images = [image for part in parts for image in part.images]
    _check_pictures(images, options)
    made_from = {
        "format": name,
        "sources": [source.name for source in sources],
        "options": {FLAGS[key]: str(getattr(options, key)) for key in sorted(options.given)},
    }
    write_index(output, images, made_from=made_from)
    return Imported(
        images, [one for part in parts for one in part.dropped], [one for part in parts for one in part.changed]
    )


def _read(name: str, source: Path, options: Options) -> Imported:
    """Return one source, read by its format."""
    module = FORMATS[name]
    if not source.exists():
        raise DataError(f"{source}: no such file or folder")
    recognises = getattr(module, "recognises", None)
    kind = "folder" if source.is_dir() else "file"
    if kind not in module.SOURCES:
        raise DataError(f"{source}: a {kind}; import {name} reads a {' or '.join(module.SOURCES)} ({module.LAYOUT})")
    if source.is_dir() and recognises and not recognises(source):
        raise DataError(f"{source}: not of format {name} ({module.LAYOUT})")
    part = module.read(source, options)
    check(part.images, str(source))
    return part


def _check_pictures(images: Sequence[IndexedImage], options: Options) -> None:
    """Refuse an index without an image, and one whose pictures are missing without leave."""
    if not images:
        raise DataError("there is no image in the data; nothing to write")
    missing = [image for image in images if image.missing]
    if missing and not options.allow_missing:
        folder = options.images or missing[0].path.parent
        first = ", ".join(image.path.name for image in missing[:SHOWN]) + (", ..." if len(missing) > SHOWN else "")
        raise DataError(
            f"{folder}: {len(missing)} of {len(images)} pictures are not there "
            f"({first}); name the folder that holds them with --images DIR, or keep the annotations alone with "
            "--allow-missing-images"
        )
