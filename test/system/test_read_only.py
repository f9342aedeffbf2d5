"""As on the platform: everything is read-only but the output (here even /tmp)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "test/input/interf0"
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONPATH": str(ROOT), "HOME": "/tmp"}


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    """Return a function that runs python where `/` is read-only but for the folders given."""

    def run(*arguments: object, writable: tuple[Path, ...]) -> subprocess.CompletedProcess:
        # in a name space of mounts of its own: nothing of this is seen outside
        steps = ["mount --bind / /mnt", "mount -o remount,ro,bind /mnt"]
        steps += [f"mount --rbind '{path}' '/mnt{path}'" for path in ("/proc", "/dev", "/sys", *writable)]
        script = " && ".join([*steps, 'exec chroot /mnt "$@"'])
        command = ["unshare", "--mount", "sh", "-c", script, "sh", sys.executable, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT)

    # what lies on file systems of its own is not seen in there
    needed = [str(ROOT), str(tmp_path_factory.getbasetemp())]
    probe = f"import os; [os.stat(path) for path in {needed}]; open('/etc/probe', 'w')"
    try:
        tried = run("-c", probe, writable=())
    except FileNotFoundError:
        pytest.skip("there is no `unshare` here")
    if "Read-only file system" not in tried.stderr:
        pytest.skip(f"no read-only name space can be made here: {tried.stderr.strip()[-200:]}")
    return run


def test_a_case_runs_where_only_the_output_can_be_written(sealed, tmp_path, tiny_bundle):
    arguments = ("-m", "algorithm", "run", "--input", SAMPLE, "--output", tmp_path, "--model", tiny_bundle)
    ended = sealed(*arguments, "--members", 1, "--precision", "f32", writable=(tmp_path,))
    assert ended.returncode == 0, ended.stderr
    assert "points" in json.loads((tmp_path / "mitotic-figures.json").read_text())
    assert [path.name for path in tmp_path.iterdir()] == ["mitotic-figures.json"]


@pytest.mark.parametrize("command", ["run", "detect"])
def test_an_output_that_is_read_only_is_one_line_and_code_5(sealed, tmp_path, tiny_bundle, command):
    given = ("--input", SAMPLE) if command == "run" else (SAMPLE,)
    ended = sealed("-m", "algorithm", command, *given, "--output", tmp_path, "--model", tiny_bundle, writable=())
    assert ended.returncode == 5, ended.stderr
    assert ended.stderr == (
        f"error: {tmp_path}: cannot be written (Read-only file system); name another folder with --output\n"
    )
    assert list(tmp_path.iterdir()) == []
