"""The shell scripts that need no container engine to say what is wrong."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ("build.sh", "export.sh", "test.sh", "scripts/test_container.sh", "scripts/base_image.sh")
SCRIPTS = sorted([*ROOT.glob("*.sh"), *ROOT.glob("scripts/**/*.sh"), ROOT / ".ci" / "run"])
# an engine that is there, answers, and writes down what it is asked
ENGINE = """#!/bin/sh
echo "$(basename "$0") $*" >> "$LOG"
case "$*" in
    *"info -f"*) echo "${CGROUPS:-v2}" ;;
    *"image inspect --format {{.Size}}"*) echo 900000000 ;;
    *"image inspect"*) [ -z "$NO_IMAGE" ] ;;
    *"--entrypoint"*) echo 3.11 ;;
esac
"""
PIP = """#!/bin/sh
case "$*" in *download*) echo "pip $*" >> "$LOG"; [ -z "$NO_INDEX" ] || { echo "ERROR: no index" >&2; exit 1; } ;; esac
"""


@pytest.fixture
def repository(tmp_path):
    """A repository with what a build needs."""
    root = tmp_path / "my clone"
    for path in [*ROOT.glob("*.sh"), *ROOT.glob("requirements*.txt"), ROOT / "constraints.txt", ROOT / "Dockerfile"]:
        root.mkdir(exist_ok=True)
        shutil.copy(path, root)
    shutil.copytree(ROOT / "scripts", root / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "algorithm").mkdir()
    shutil.copy(ROOT / "algorithm" / "__init__.py", root / "algorithm")
    (root / "algorithm" / "cli.py").write_text("def run():\n    pass\n")
    return root


@pytest.fixture
def call(repository, tmp_path):
    """Return a function that runs a script where only the engines given are installed; the log lies in call.log."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in (
        *("bash", "sh", "sed", "dirname", "basename", "cat", "cksum", "rm", "mkdir", "ls", "seq", "grep", "mktemp"),
        *("cp", "chmod", "tail", "date", "tr", "env"),
    ):
        (tools / name).symlink_to(shutil.which(name))

    def run(script, *arguments, engines=("podman",), **variables):
        log = tmp_path / "log"
        log.write_text("")
        for name, text in (*((engine, ENGINE) for engine in engines), ("python3", PIP)):
            (tools / name).write_text(text)
            (tools / name).chmod(0o755)
        environment = {"PATH": str(tools), "LOG": str(log), "HOME": str(tmp_path), **variables}
        command = ["bash", str(repository / script), *arguments]
        ended = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, cwd=tmp_path)
        run.log = log.read_text().splitlines()
        return ended

    return run


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_scripts_stop_at_the_first_error_and_pass_shellcheck(script):
    text = script.read_text()
    sourced = script.name in ("container.sh", "container_faults.sh", "environment.sh")
    assert text.startswith("# shellcheck shell=bash\n" if sourced else "#!/usr/bin/env bash\n")
    assert sourced or ("set -euo pipefail" in text and script.stat().st_mode & 0o111)
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    said = subprocess.run(["shellcheck", "-x", str(script)], capture_output=True, text=True, cwd=ROOT)
    assert said.returncode == 0, said.stdout


@pytest.mark.parametrize("script", COMMANDS)
def test_help_is_given_without_an_engine(call, script):
    ended = call(script, "--help", engines=())
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("usage: ")
    assert call.log == []


@pytest.mark.parametrize("script", COMMANDS)
def test_every_option_and_variable_of_the_help_is_known_to_the_script(call, script):
    said = call(script, "--help", engines=()).stdout
    text = "".join((ROOT / name).read_text() for name in (*COMMANDS, "scripts/container.sh"))
    for word in {*re.findall(r"--[a-z][a-z-]+", said), *re.findall(r"^  ([A-Z][A-Z_]+) ", said, re.MULTILINE)}:
        assert text.count(word) > said.count(word), word


@pytest.mark.parametrize(
    ("script", "arguments", "reason"),
    [
        ("build.sh", ["--target", "tpu"], "--target tpu: cpu or gpu is expected"),
        ("build.sh", ["--method", "http"], "--method http: exec or invoke is expected"),
        ("build.sh", ["--tag"], "--tag needs a value"),
        ("build.sh", ["--gpu"], "unknown argument: --gpu"),
        ("export.sh", ["--output"], "--output needs a value"),
        ("export.sh", ["--model", "nowhere"], "nowhere: no bundle there (bundle.yaml is missing)"),
        ("export.sh", ["now"], "unknown argument: now"),
        ("scripts/test_container.sh", ["--target", "tpu"], "--target tpu: cpu or gpu is expected"),
        ("test.sh", ["--target", "gpu"], "--target is for --container"),
    ],
)
def test_a_wrong_argument_is_said_and_nothing_is_done(call, script, arguments, reason):
    ended = call(script, *arguments)
    assert ended.returncode != 0
    assert f"error: {reason}" in ended.stderr
    assert call.log == []


def test_without_an_engine_the_remedy_is_said(call):
    ended = call("build.sh", engines=())
    assert ended.returncode == 1
    assert ended.stderr == (
        "error: no container engine: start docker, or install podman (Debian: apt install podman runc)\n"
    )


def test_an_engine_that_is_named_is_not_replaced_by_another(call):
    assert "CONTAINER_ENGINE=docker: docker is not installed" in call("build.sh", CONTAINER_ENGINE="docker").stderr
    assert "CONTAINER_ENGINE=lxc: docker or podman is expected" in call("build.sh", CONTAINER_ENGINE="lxc").stderr


def test_docker_comes_first_when_its_service_answers(call):
    assert call("build.sh", engines=("podman", "docker")).returncode == 0
    assert {line.split()[0] for line in call.log} == {"docker", "pip"}


def test_the_cpu_image_is_built_without_a_network_from_wheels_for_the_base_s_python(call, repository):
    ended = call("build.sh", BASE_IMAGE="mine:1")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "localhost/mitosis-detector-cpu:0.1.0: 900 MB"
    download = next(line for line in call.log if line.startswith("pip "))
    assert "--python-version 3.11" in download and "--constraint constraints.txt" in download
    build = next(line for line in call.log if " build " in line)
    for part in ("--target cpu", "--network none", "BASE_IMAGE=mine:1", "API_METHOD=exec", "VERSION=0.1.0"):
        assert part in build
    call("build.sh", BASE_IMAGE="mine:1")
    assert not [line for line in call.log if line.startswith("pip")], "the wheels are there"
    (repository / "constraints.txt").write_text("click==1\n")
    call("build.sh", BASE_IMAGE="mine:1")
    assert [line for line in call.log if line.startswith("pip")], "other ones are asked for"


def test_wheels_that_cannot_be_fetched_stop_the_build_and_are_asked_for_again(call):
    ended = call("build.sh", NO_INDEX="1")
    assert ended.returncode == 1
    assert "ERROR: no index\nerror: the wheels cannot be fetched; mend what pip says above" in ended.stderr
    assert not [line for line in call.log if " build " in line]
    assert call("build.sh").returncode == 0
    assert [line for line in call.log if line.startswith("pip")]


def test_the_gpu_image_takes_its_own_base_and_architectures(call):
    assert call("build.sh", "--target", "gpu", GPU_ARCHITECTURES="75", BASE_IMAGE="cpu:1").returncode == 0
    build = next(line for line in call.log if " build " in line)
    assert "--target gpu" in build and "GPU_BASE_IMAGE=nvidia/cuda:12.6" in build and "GPU_ARCHITECTURES=75" in build
    assert " BASE_IMAGE=" not in build and "--network" not in build


def test_podman_takes_runc_where_cgroups_are_mixed_unless_told_otherwise(call, tmp_path):
    (tmp_path / "tools" / "runc").write_text("#!/bin/sh\n")
    (tmp_path / "tools" / "runc").chmod(0o755)
    for variables, expected in (
        ({"CGROUPS": "v1"}, "podman --runtime runc build"),
        ({"CGROUPS": "v2"}, "podman build"),
        ({"CGROUPS": "v1", "CONTAINER_RUNTIME": "crun"}, "podman --runtime crun build"),
    ):
        call("build.sh", **variables)
        assert [line for line in call.log if line.startswith(expected)], call.log


def test_invoke_is_refused_by_a_version_that_cannot_serve(call, repository):
    ended = call("build.sh", "--method", "invoke")
    assert "error: this version has no `python -m algorithm serve`" in ended.stderr
    with (repository / "algorithm" / "cli.py").open("a") as cli:
        cli.write("def serve(port):\n    pass\n")
    assert call("build.sh", "--method", "invoke").returncode == 0
    build = next(line for line in call.log if " build " in line)
    assert "API_METHOD=invoke" in build and "--tag localhost/mitosis-detector-cpu-invoke:0.1.0" in build


def test_a_base_image_that_is_there_is_not_made_again(call):
    ended = call("scripts/base_image.sh")
    assert (ended.returncode, ended.stdout) == (0, "localhost/mitosis-base:bookworm\n")
    ended = call("scripts/base_image.sh", NO_IMAGE="1")
    assert "error: mmdebstrap is not installed" in ended.stderr and "BASE_IMAGE" in ended.stderr


def test_limits_are_never_higher_than_this_shell_s_own():
    script = f'set -euo pipefail; root={ROOT}; . "$root/scripts/container.sh"; at_most "$1" "$2"'
    for wanted, allowed, expected in (("1024", "unlimited", "1024"), ("4096", "1000", "1000"), ("5", "5", "5")):
        ended = subprocess.run(["bash", "-c", script, "sh", wanted, allowed], capture_output=True, text=True)
        assert ended.stdout.strip() == expected


def test_every_restriction_of_the_platform_is_asked_for():
    script = f'set -euo pipefail; root={ROOT}; . "$root/scripts/container.sh"; limits=(); engine=(docker); '
    ended = subprocess.run(
        ["bash", "-c", script + 'platform_options cpu; echo "${platform[@]}"'], capture_output=True, text=True
    )
    for option in (
        *("--network none", "--read-only", "--cap-drop ALL", "--security-opt no-new-privileges", "--pull never"),
        *("--memory 16g", "--memory-swap 16g", "--pids-limit", "--tmpfs /tmp:"),
        f"--ulimit data={15 * 2**30}:{15 * 2**30}",
    ):
        assert option in ended.stdout


@pytest.fixture
def ci(repository, call, tmp_path):
    """Return a function that runs .ci/run, as a user of that id; test.sh and export.sh only say their arguments."""
    (repository / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", repository / ".ci" / "run")
    for name in ("test.sh", "export.sh"):
        (repository / name).write_text('#!/usr/bin/env bash\necho "$(basename "$0") $* $CONTAINER_ENGINE"\n')
    tools = tmp_path / "tools"
    (tools / "id").write_text('#!/bin/sh\necho "$ID"\n')
    (tools / "id").chmod(0o755)

    def run(user, *installed):
        for name in installed:
            (tools / name).write_text("#!/bin/sh\nexit 100\n" if name == "apt-get" else ENGINE)
            (tools / name).chmod(0o755)
        return call(".ci/run", engines=(), ID=user, CONTAINER_ENGINE="", TMPDIR=str(tmp_path))

    return run


def test_ci_builds_and_exports_where_podman_is_installed(ci, call, tmp_path):
    ended = ci("1000", "podman", "runc", "mmdebstrap")
    assert ended.returncode == 0, ended.stderr
    said = ended.stdout.splitlines()
    assert said[0] == "test.sh --container podman"
    assert said[-1].startswith("export.sh --no-build --output ") and "NOT TESTED" not in ended.stdout
    assert not list(tmp_path.glob("tmp.*")), "its storage is gone"


@pytest.mark.parametrize(
    ("user", "installed", "reason"),
    [
        ("1000", (), "podman, runc and mmdebstrap are not installed, and only root can install Debian's packages"),
        ("0", (), "only root can install Debian's packages"),
        ("0", ("apt-get",), "apt-get could not install podman buildah runc mmdebstrap (see above)"),
    ],
)
def test_ci_runs_the_other_tests_without_podman_and_its_last_line_says_what_is_missing(ci, user, installed, reason):
    ended = ci(user, *installed)
    assert ended.returncode == 0, ended.stderr
    assert "test.sh  " in ended.stdout
    last = ended.stdout.splitlines()[-1]
    assert last.startswith("NOT TESTED: the container. ") and last.endswith(reason)
