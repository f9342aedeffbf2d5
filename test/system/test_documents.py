"""What the documents tell people to type is there."""

import re
import subprocess
from pathlib import Path

import click
import pytest

from algorithm.cli import main

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"


def code_of(document: Path) -> list[str]:
    """Return what is set as code: lines of blocks, without their comments, and pieces within text."""
    text = document.read_text(encoding="utf-8")
    blocks = re.findall(r"^ *```[^\n]*\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    lines = [line.split("#")[0].strip() for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    rest = re.sub(r"^ *```[^\n]*\n(.*?)^ *```", "", text, flags=re.DOTALL | re.MULTILINE)
    return [piece for piece in [*lines, *re.findall(r"`([^`\n]+)`", rest)] if piece]


def options_of(command: click.Command) -> set[str]:
    return {"--help", *(name for one in command.params for name in one.opts if isinstance(one, click.Option))}


def options_of_script(script: str) -> set[str]:
    said = subprocess.run(["bash", str(ROOT / script), "--help"], capture_output=True, text=True, check=True).stdout
    return {"--help", *re.findall(r"--[a-z][a-z-]*", said)}


def commands_of(package: str) -> click.Command:
    if package == "algorithm":
        return main
    return pytest.importorskip(f"{package}.cli", reason=f"the command line of {package} cannot be imported").main


def asked(words: list[str]) -> tuple[str, list[str]] | None:
    """Return the package and the arguments of a documented command of this project."""
    words = [word for word in words if not re.fullmatch(r"[A-Z_]+=\S*", word)]
    if words[:1] and words[0].endswith("run.sh"):
        return "algorithm", ["detect", *words[1:]]
    for place, word in enumerate(words[:-1]):
        if word == "-m" and words[place + 1] in ("algorithm", "training", "export"):
            return words[place + 1], words[place + 2 :]
    return None


DOCUMENTS = [README, *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_documented_command_and_its_options_exist(document):
    for piece in code_of(document):
        if (found := asked(piece.split())) is None:
            if script := re.search(r"(?:^|\s)\./((?:build|test|export)\.sh)(.*)", piece):
                named = set(re.findall(r"(?<!\S)\[?(--[a-z][a-z-]*)", script[2]))
                assert named <= options_of_script(script[1]), f"{document.name}: {piece}"
            continue
        package, arguments = found
        command = commands_of(package)
        while isinstance(command, click.Group) and arguments and not arguments[0].startswith(("-", "[", "<")):
            name = arguments.pop(0)
            assert name in command.commands, f"{document.name}: {piece}"
            command = command.commands[name]
        options = {word.strip("[],.").split("=")[0] for word in arguments if word.lstrip("[").startswith("--")}
        assert options <= options_of(command), f"{document.name}: {piece}"


def test_every_option_named_in_the_readme_belongs_to_a_command():
    known = {
        option
        for package in ("algorithm", "training", "export")
        for command in (commands_of(package), *getattr(commands_of(package), "commands", {}).values())
        for option in options_of(command)
    }.union(*map(options_of_script, ("build.sh", "test.sh", "export.sh")))
    own = [piece for piece in code_of(README) if not re.match(r"(git|pip|python -m pip|docker|podman|curl)\b", piece)]
    named = {word.split("=")[0] for piece in own for word in re.findall(r"(?<![\w-])--[a-z][a-z-]*", piece)}
    assert named - known == set()


@pytest.mark.parametrize("package", ["algorithm", "training", "export"])
def test_debug_is_taken_before_and_after_every_command(package):
    group = commands_of(package)
    assert group.commands
    for command in (group, *group.commands.values()):
        assert [one.opts for one in command.params].count(["--debug"]) == 1, command.name


def test_every_option_of_detect_stands_in_the_readme():
    text = README.read_text(encoding="utf-8")
    missing = {option for option in options_of(main.commands["detect"]) if option not in text} - {"--help"}
    assert missing == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_into_the_repository_leads_somewhere(document):
    links = re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8"))
    inner = [link.split("#")[0] for link in links if not re.match(r"(https?:|mailto:|#)", link)]
    assert [link for link in inner if not (document.parent / link).exists()] == []


def anchors_of(document: Path) -> set[str]:
    """Return what headings can be linked by: in lower case, without punctuation, with hyphens for spaces."""
    headings = re.findall(r"^#+ +(.+?) *$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_to_a_heading_finds_it(document):
    links = re.findall(r"\]\(([^)\s#:]*)#([^)\s]+)\)", document.read_text(encoding="utf-8"))
    assert [
        (path, name) for path, name in links if name not in anchors_of(document.parent / path if path else document)
    ] == []


@pytest.mark.parametrize("script", ["run.sh", "build.sh", "test.sh", "export.sh", ".ci/run"])
def test_scripts_can_be_run(script):
    path = ROOT / script
    assert path.stat().st_mode & 0o111
    assert path.read_text().startswith("#!/usr/bin/env bash\n")
    assert "set -euo pipefail" in path.read_text()


def test_the_tests_come_before_the_sample_which_needs_the_released_bundle():
    script = (ROOT / "test.sh").read_text()
    assert 0 < script.index("-m pytest") < script.index("-m algorithm run") < script.index("test/compare_outputs.py")
