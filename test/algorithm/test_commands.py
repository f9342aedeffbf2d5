"""What all command lines share: errors in one line, a traceback where it is asked for or is a bug's."""

import click
import pytest
from click.testing import CliRunner

from algorithm.commands import Commands, debug_option, debugging
from algorithm.errors import EngineError


@click.group(cls=Commands)
@debug_option
def main():
    """Fail."""


@main.command()
@click.option("--bug", is_flag=True)
def fail(bug):
    """Fail with an error of the project's, or with a bug."""
    click.echo(f"debugging: {debugging()}")
    raise ZeroDivisionError if bug else EngineError("a.onnx: cannot run here")


def test_an_error_is_one_line_and_its_code():
    result = CliRunner().invoke(main, ["fail"])
    assert (result.exit_code, result.stderr) == (4, "error: a.onnx: cannot run here\n")
    assert result.stdout == "debugging: False\n"


@pytest.mark.parametrize("arguments", [["--debug", "fail"], ["fail", "--debug"], ["--debug", "fail", "--debug"]])
def test_with_debug_before_or_after_the_command_its_traceback_stands_above(arguments):
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 4
    first, *_, last_of_trace, line = result.stderr.splitlines()
    assert first.startswith("Traceback") and last_of_trace.endswith("EngineError: a.onnx: cannot run here")
    assert line == "error: a.onnx: cannot run here"
    assert result.stdout == "debugging: True\n"


def test_debug_is_forgotten_by_the_next_call():
    CliRunner().invoke(main, ["fail", "--debug"])
    assert len(CliRunner().invoke(main, ["fail"]).stderr.splitlines()) == 1


def test_a_bug_keeps_its_traceback():
    result = CliRunner().invoke(main, ["fail", "--bug"])
    assert result.exit_code == 1 and isinstance(result.exception, ZeroDivisionError)
