"""Checks what is about to be uploaded by the platform's own rules: `check_upload.py [--image FILE] [--model FILE]`.

The rules of the image are those of `_validate_docker_image_manifest` in grand-challenge.org's components/tasks.py (July
2026): one image, linux/amd64, a USER that is not root, a known calling mode, a sha256. An upload may have 10 GB.
"""

import argparse
import gzip
import json
import sys
import tarfile
import tempfile
import zlib
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from algorithm.bundle import BUNDLE_FILE, load_bundle  # noqa: E402
from algorithm.errors import MitosisError  # noqa: E402

MAXIMUM_BYTES = 10 * 10**9  # COMPONENTS_MAXIMUM_IMAGE_SIZE: 10 GB
API_METHOD_LABEL = "org.grand-challenge.api-method"
API_METHODS = ("exec", "invoke")
PLATFORM = ("linux", "amd64")


class RefusedError(Exception):
    """The platform would refuse this file, or could not use it. Says which and why."""


def check_image(path: Path) -> str:
    """Return what the platform will read from an image archive, in one line. Raises RefusedError."""
    _check_size(path)
    try:
        with tarfile.open(path, "r:gz") as archive:
            files = {entry.name: entry for entry in archive.getmembers() if entry.isfile()}
            manifest = _json_of(archive, files, "manifest.json", path)
            if len(manifest) != 1:
                raise RefusedError(f"{path}: {len(manifest)} images in one archive; save exactly one")
            name = manifest[0]["Config"]
            image = _json_of(archive, files, name, path)
    except (tarfile.ReadError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise RefusedError(f"{path}: no gzip tar, or a damaged one ({error}); export it again") from error
    sha256 = name.split("/")[-1].removesuffix(".json").removeprefix("sha256:")
    if len(sha256) != 64:
        raise RefusedError(f"{path}: no sha256 in the image's name {name!r}; save it with docker or podman")
    found = (image.get("os"), image.get("architecture"))
    if found != PLATFORM:
        raise RefusedError(f"{path}: built for {'/'.join(map(str, found))}; {'/'.join(PLATFORM)} is needed")
    config = image.get("config") or {}
    user = str(config.get("User") or "").lower()
    if user.split(":")[0] in ("", "root", "0"):
        raise RefusedError(f"{path}: runs as root (USER is {user!r}); the Dockerfile needs a USER")
    method = _api_method(config.get("Labels") or {}, path)
    command = " ".join([*(config.get("Entrypoint") or []), *(config.get("Cmd") or [])])
    if not command:
        raise RefusedError(f"{path}: neither ENTRYPOINT nor CMD, the platform would not know what to start")
    return f"{method}, user {user}, starts `{command}`, sha256:{sha256}"


def _api_method(labels: dict[str, str], path: Path) -> str:
    for key, value in labels.items():
        if key.lower().strip() == API_METHOD_LABEL:
            method = str(value).lower().strip(" '\"")
            if method not in API_METHODS:
                raise RefusedError(f"{path}: label {key}={value!r}; {' or '.join(API_METHODS)} is allowed")
            return method
    return "exec"


def check_model(path: Path) -> str:
    """Return what a model archive holds, in one line. Raises RefusedError, also when its bundle does not load."""
    _check_size(path)
    try:
        with tarfile.open(path, "r:gz") as archive, tempfile.TemporaryDirectory() as folder:
            entries = archive.getmembers()
            _check_entries(entries, path)
            archive.extractall(folder, filter="data")
            bundle = load_bundle(Path(folder))
    except (tarfile.ReadError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise RefusedError(f"{path}: no gzip tar, or a damaged one ({error}); export it again") from error
    except MitosisError as error:
        raise RefusedError(f"{path}: {error}") from error
    facts = bundle.facts
    return f"{facts.name} {facts.version}, {len(facts.members)} members, bundle sha256:{bundle.hash}"


def _check_entries(entries: list[tarfile.TarInfo], path: Path) -> None:
    for entry in entries:
        name = PurePosixPath(entry.name)
        if name.is_absolute() or ".." in name.parts or not (entry.isfile() or entry.isdir()):
            raise RefusedError(f"{path}: {entry.name}: only files and folders below /opt/ml/model can be unpacked")
        if not entry.mode & 0o004:
            raise RefusedError(f"{path}: {entry.name} cannot be read by the image's user (mode {entry.mode:o})")
    names = {str(PurePosixPath(entry.name)) for entry in entries}
    if BUNDLE_FILE not in names:
        inner = next((name for name in names if name.endswith(f"/{BUNDLE_FILE}")), None)
        where = f"it lies in {inner}: pack the folder's content, not the folder" if inner else "pack a bundle"
        raise RefusedError(f"{path}: no {BUNDLE_FILE} at the top; {where}")


def _json_of(archive: tarfile.TarFile, files: dict[str, tarfile.TarInfo], name: str, path: Path) -> object:
    if name not in files:
        raise RefusedError(f"{path}: no {name} in it; save the image with docker or podman, as a docker archive")
    return json.load(archive.extractfile(files[name]))


def _check_size(path: Path) -> None:
    if not path.is_file():
        raise RefusedError(f"{path}: no such file")
    if (size := path.stat().st_size) > MAXIMUM_BYTES:
        raise RefusedError(f"{path}: {size / 1e9:.1f} GB; the platform takes {MAXIMUM_BYTES / 1e9:g} GB")


def main() -> int:
    """Check what is given; return 1 when something would be refused."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image", type=Path)
    parser.add_argument("--model", type=Path)
    arguments = parser.parse_args()
    if not arguments.image and not arguments.model:
        parser.error("give --image, --model or both")
    try:
        for path, check in ((arguments.image, check_image), (arguments.model, check_model)):
            if path:
                said = check(path)
                print(f"{path}: {path.stat().st_size / 1e6:.0f} MB, {said}")
    except RefusedError as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
