"""scripts/environment.sh: what is installed when, with a Python that only writes down what it is asked to do."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = "scripts/environment.sh"
# `-c` works, `-m venv DIR` copies itself there, but not with pip while `no-ensurepip` is there; `-m pip` writes its
# arguments down and fails while `pip-fails` is there
STUB = """#!/bin/sh
case "$1 $2" in
    "-c "*) exit 0 ;;
    "--version ") echo "Python 3.11.0" ;;
    "-m venv")
        if [ "$3" = --without-pip ]; then shift; echo "venv without pip" >> "$LOG"
        elif [ -e "$LOG.no-ensurepip" ]; then mkdir -p "$3/bin"; touch "$3/half"; echo "no ensurepip" >&2; exit 1
        else echo venv >> "$LOG"; fi
        mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
    "-m pip") for last in "$@"; do :; done
        if [ "$3" = --python ]; then last="$last into $(basename "$(dirname "$(dirname "$4")")")"; fi
        case "$*" in *--no-deps*) alone="--no-deps " ;; *) alone="" ;; esac
        echo "pip $alone$(basename "$last")" >> "$LOG"
        if [ -e "$LOG.pip-fails" ]; then echo "ERROR: no such package" >&2; exit 1; fi ;;
    *) echo "unexpected: $*" >> "$LOG"; exit 9 ;;
esac
"""


@pytest.fixture
def checkout(tmp_path):
    """A repository with what an install needs, and a space in its name."""
    root = tmp_path / "my clone"
    (root / "scripts").mkdir(parents=True)
    shutil.copy(ROOT / SCRIPT, root / SCRIPT)
    (root / "requirements.txt").write_text("a==1\n")
    (root / "requirements-dev.txt").write_text("b==1\n")
    (root / "requirements-mm.txt").write_text("c==1\n")
    stub = tmp_path / "python-stub"
    stub.write_text(STUB)
    stub.chmod(0o755)
    return root


@pytest.fixture
def ensure(checkout, tmp_path):
    """Return a function that asks for a level; it gives the exit code and what the stub was asked to do."""
    log = tmp_path / "log"

    def called(level="run", *files, python=tmp_path / "python-stub", path=None):
        # python=None: PYTHON is not set
        log.write_text("")
        script = f'set -euo pipefail; root=$1; . "$root/{SCRIPT}"; shift; ensure "$@"; echo ready'
        command = ["bash", "-c", script, "test.sh", str(checkout), level, *(files or ["requirements.txt"])]
        environment = {**os.environ, "PYTHON": str(python), "LOG": str(log)} | ({"PATH": path} if path else {})
        if python is None:
            del environment["PYTHON"]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, cwd=tmp_path)
        assert (result.returncode == 0) == (result.stdout == "ready\n"), result.stderr
        called.stderr = result.stderr
        return result.returncode, log.read_text().split("\n")[:-1]

    called.pip_fails = tmp_path / "log.pip-fails"
    called.no_ensurepip = tmp_path / "log.no-ensurepip"
    return called


FRESH = (0, ["venv", "pip requirements.txt"])
ALL = ("all", "requirements.txt", "requirements-mm.txt", "requirements-dev.txt")


def test_the_first_run_makes_the_environment_and_the_next_installs_nothing(ensure, checkout):
    assert ensure() == FRESH
    assert "making" in ensure.stderr and str(checkout / ".venv") in ensure.stderr
    assert ensure() == (0, [])
    assert ensure.stderr == ""


def test_changed_requirements_are_installed_into_the_same_environment(ensure, checkout):
    ensure()
    (checkout / "requirements.txt").write_text("a==2\n")
    assert ensure() == (0, ["pip requirements.txt"])
    assert "updating" in ensure.stderr
    assert ensure() == (0, [])


def test_an_interrupted_first_install_is_made_anew(ensure, checkout):
    ensure.pip_fails.touch()
    assert ensure() == (1, ["venv", "pip requirements.txt"])
    assert ensure.stderr.splitlines()[-1].startswith("error: the installation failed; mend what pip says above")
    assert list((checkout / ".venv").glob(".installed-*")) == []
    ensure.pip_fails.unlink()
    assert ensure() == FRESH
    assert ensure() == (0, [])


def test_an_interrupted_update_is_made_anew(ensure, checkout):
    ensure()
    (checkout / "requirements.txt").write_text("a==2\n")
    ensure.pip_fails.touch()
    assert ensure()[0] == 1
    ensure.pip_fails.unlink()
    assert ensure() == FRESH


def test_an_environment_without_a_stamp_is_made_anew(ensure, checkout):
    ensure()
    (checkout / ".venv" / ".installed-run").unlink()
    (checkout / ".venv" / "half-installed").touch()
    assert ensure() == FRESH
    assert not (checkout / ".venv" / "half-installed").exists()


def test_an_environment_whose_python_is_gone_is_made_anew(ensure, checkout):
    ensure()
    (checkout / ".venv" / "bin" / "python").unlink()
    assert ensure() == FRESH


def test_the_larger_level_is_installed_over_the_smaller_and_serves_it(ensure):
    ensure()
    installs = ["pip requirements.txt", "pip --no-deps requirements-mm.txt", "pip requirements-dev.txt"]
    assert ensure(*ALL) == (0, installs)
    assert ensure(*ALL) == (0, [])
    assert ensure() == (0, []), "what run.sh needs is in it"


def test_a_change_of_what_only_tests_need_leaves_the_run_alone(ensure, checkout):
    ensure(*ALL)
    (checkout / "requirements-dev.txt").write_text("b==2\n")
    assert ensure() == (0, [])
    assert ensure(*ALL)[1][0] == "pip requirements.txt"


def test_a_failed_larger_install_is_not_taken_for_whole(ensure):
    ensure()
    ensure.pip_fails.touch()
    assert ensure(*ALL)[0] == 1
    ensure.pip_fails.unlink()
    assert ensure() == FRESH


@pytest.fixture
def tools(tmp_path):
    """A folder for PATH with what the script needs, and no Python but those that a test puts there."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in (
        "bash",
        "sh",
        "cat",
        "cksum",
        "tr",
        "ls",
        "rm",
        "dirname",
        "basename",
        "flock",
        "mkdir",
        "cp",
        "touch",
    ):
        if found := shutil.which(name):
            (folder / name).symlink_to(found)
    return folder


def put(path, script):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script)
    path.chmod(0o755)
    return path


TOO_OLD = "#!/bin/sh\nexit 1\n"
REMEDY = "error: Python 3.11 or newer is needed; set PYTHON to it, as in PYTHON=/opt/python3.12 "


@pytest.mark.parametrize("named", [True, False])
def test_without_a_python_of_that_age_the_remedy_is_said(ensure, tmp_path, checkout, tools, named):
    code, asked = ensure(python=tmp_path / "none" if named else None, path=str(tools))
    assert (code, asked) == (1, [])
    assert REMEDY in ensure.stderr
    assert not (checkout / ".venv").exists()


def test_a_python_that_is_named_and_too_old_is_not_replaced_by_another(ensure, tmp_path, checkout, tools):
    old = put(tmp_path / "old" / "python3", TOO_OLD)
    for name in ("python3", "python3.12"):
        put(tools / name, STUB)
    code, asked = ensure(python=old, path=str(tools))
    assert (code, asked) == (1, [])
    assert REMEDY in ensure.stderr
    assert not (checkout / ".venv").exists()
    assert ensure(python="", path=str(tools)) == FRESH, "an empty PYTHON names none"


def test_where_none_is_named_the_first_that_is_new_enough_is_taken(ensure, tools):
    put(tools / "python3", TOO_OLD)
    put(tools / "python3.12", STUB)
    assert ensure(python=None, path=str(tools)) == FRESH


def test_a_python_may_lie_in_a_folder_with_a_space_in_its_name(ensure, tmp_path):
    assert ensure(python=put(tmp_path / "my tools" / "python3", STUB)) == FRESH


def test_without_ensurepip_pythons_own_pip_puts_one_into_the_environment(ensure, checkout):
    ensure.no_ensurepip.touch()
    assert ensure() == (0, ["venv without pip", "pip pip into .venv", "pip requirements.txt"])
    assert "no ensurepip" not in ensure.stderr
    assert not (checkout / ".venv" / "half").exists(), "nothing of the first attempt is left"
    assert ensure() == (0, [])


def test_with_neither_ensurepip_nor_pip_the_remedy_is_said(ensure):
    ensure.no_ensurepip.touch()
    ensure.pip_fails.touch()
    assert ensure() == (1, ["venv without pip", "pip pip into .venv"])
    assert "can make no environment; install its venv and pip (Debian: apt install python3-venv)" in ensure.stderr
    ensure.no_ensurepip.unlink()
    ensure.pip_fails.unlink()
    assert ensure() == FRESH
