"""The command line itself: help without libraries, `info`, errors."""

import pytest
from click.testing import CliRunner

from algorithm import __version__
from algorithm.bundle import load_bundle, write_bundle
from algorithm.cli import main
from algorithm.errors import BundleError, EngineError, ImageError, MitosisError, OutputError, PlatformError

HEAVY = ("torch", "mmdet", "mmengine", "openvino", "cv2", "SimpleITK", "openslide", "tifffile", "scipy", "rich")
WITHOUT_LIBRARIES = f"""
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {HEAVY!r}:
            raise ImportError(f"{{name}} was imported")

sys.meta_path.insert(0, Missing())
from click.testing import CliRunner
from algorithm.cli import main
for arguments in (["--help"], ["--version"], *([name, "--help"] for name in main.commands)):
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, (arguments, result.output, result.exception)
    assert "--help" in result.output or arguments == ["--version"]
print(*main.commands)
"""


def test_every_help_works_without_any_library(python, tmp_path):
    result = python("-c", WITHOUT_LIBRARIES, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert {"run", "detect", "info"} <= set(result.stdout.split())


def test_what_ships_imports_no_torch(python, tmp_path):
    modules = "algorithm.cli, algorithm.batch, algorithm.grand_challenge.execution, algorithm.engines.openvino"
    code = f"import sys, {modules}; print([n for n in ('torch', 'mmdet', 'mmengine', 'training') if n in sys.modules])"
    result = python("-c", code, cwd=tmp_path)
    assert (result.stdout, result.stderr) == ("[]\n", "")


def test_every_option_and_command_says_what_it_does():
    for name, command in main.commands.items():
        assert command.help and command.help.rstrip().endswith("."), name
        for parameter in command.params:
            if parameter.param_type_name == "option" and parameter.name not in ("input_folder", "output_folder"):
                assert parameter.help, f"{name} {parameter.name}"


def test_info_shows_the_bundle_and_what_can_run(loaded_bundle):
    result = CliRunner().invoke(main, ["info", "--model", str(loaded_bundle.folder)])
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    said = {line[:10].strip(): line[11:] for line in reversed(lines)}
    assert said["version"] == __version__
    assert said["bundle"] == f"tiny 1.0 in {loaded_bundle.folder}"
    assert said["hash"] == f"sha256 {loaded_bundle.hash}"
    assert said["members"] == "member0.onnx, member1.onnx; views [0]"
    assert said["scale"] == "0.5 um/px, tiles of 128 px"
    assert said["threshold"] == "0.500; candidates from 0.050 on"
    assert said["licence"] == "Apache-2.0"
    assert int(said["threads"]) >= 1
    engines = [line[11:] for line in lines if line.startswith("engine")]
    assert [line.split(":")[0] for line in engines] == ["tensorrt", "onnxruntime-cuda", "openvino", "onnxruntime"]
    assert engines[2].startswith("openvino: ready, ") and engines[2].endswith(("f32", "bf16"))


def test_info_says_how_a_bundle_screens(bundle_at, tmp_path):
    screen = {"from_score": 0.2, "again_score": 0.3, "cell_px": 96}
    result = CliRunner().invoke(
        main, ["info", "--model", str(bundle_at(tmp_path / "b", ensemble="screen", screen=screen))]
    )
    assert (
        "ensemble   screen: the first member finds candidates from a raw score of 0.2 on, all see them in cells of "
        "48 um, in more than one view from 0.3 on" in result.stdout
    )
    folder = bundle_at(tmp_path / "two", ensemble="screen", screen=screen, tile_px=256)
    facts = load_bundle(folder).facts
    members = [facts.members[0], *(facts.members[1].model_copy(update={"mpp": 0.25}) for _ in range(2))]
    write_bundle(folder, facts.model_copy(update={"members": members}))
    scales = CliRunner().invoke(main, ["info", "--model", str(folder)])
    assert "scale      0.5 um/px (1 member(s)) and 0.25 um/px (2 member(s)), tiles of 256 px" in scales.stdout
    plain = CliRunner().invoke(main, ["info", "--model", str(bundle_at(tmp_path / "plain", screen=screen))])
    assert "ensemble   full: all members see all tiles in all views" in plain.stdout


def test_info_says_why_an_engine_cannot_run(loaded_bundle, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    result = CliRunner().invoke(main, ["info", "--model", str(loaded_bundle.folder)])
    assert "engine     openvino: not here: the package openvino is not installed" in result.stdout


def test_info_of_no_bundle_is_one_line(tmp_path):
    result = CliRunner().invoke(main, ["info", "--model", str(tmp_path)])
    assert result.exit_code == 3
    assert result.stderr.startswith(f"error: {tmp_path / 'bundle.yaml'}: no model bundle there")


@pytest.mark.parametrize("arguments", [["--debug", "info"], ["info", "--debug"]])
def test_debug_is_taken_before_and_after_the_command(tmp_path, arguments):
    result = CliRunner().invoke(main, [*arguments, "--model", str(tmp_path)])
    assert result.exit_code == 3
    assert result.stderr.startswith("Traceback") and "\nerror: " in result.stderr


def test_the_exit_codes_are_those_that_are_documented():
    codes = {ImageError: 2, PlatformError: 2, BundleError: 3, EngineError: 4, OutputError: 5}
    assert {
        kind: kind.exit_code for kind in MitosisError.__subclasses__() if kind.__module__ == MitosisError.__module__
    } == codes
    assert MitosisError.exit_code == 2


@pytest.mark.parametrize("command", ["run", "detect"])
def test_both_commands_take_the_options_of_the_detector(command):
    names = {option for parameter in main.commands[command].params for option in parameter.opts}
    assert {
        "--model",
        "--members",
        "--views",
        "--threshold",
        "--precision",
        "--threads",
        "--output",
        "--debug",
    } <= names
