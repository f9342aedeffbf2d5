"""The walls of the house stand: each contract of import-linter is broken once, in a copy, and has to say so."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULE_OF = {  # where a distribution's module has another name
    "opencv-python-headless": "cv2",
    "openslide-bin": "openslide_bin",
    "openslide-python": "openslide",
    "pillow": "PIL",
    "PyYAML": "yaml",
    "simpleitk": "SimpleITK",
}


def imported(path: Path) -> set[str]:
    """Return the top-level modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return {name.split(".")[0] for name in found}


def test_what_ships_imports_what_is_required_and_nothing_else():
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    required = [line.split("==")[0] for line in lines if line and not line.startswith("#")]
    known = {MODULE_OF.get(name, name) for name in required} | set(sys.stdlib_module_names) | {"algorithm"}
    known |= {"onnxruntime", "tensorrt", "cuda", "onnx"}  # imported where they are installed: on GPUs
    for path in (ROOT / "algorithm").rglob("*.py"):
        assert imported(path) <= known, path


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Path:
    copy = tmp_path_factory.mktemp("house")
    for package in ("algorithm", "training", "export"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("algorithm/frames.py", "import torch"),
        ("algorithm/cli.py", "from training.index import Label"),
        ("training/index.py", "import export.bundle"),
        ("export/cli.py", "import training.mmcv_ops"),
        ("export/agreement.py", "from training.index import Label"),
        ("algorithm/tiles.py", "from algorithm import ensemble"),
        ("algorithm/writers/table_csv.py", "from algorithm.detector import Options"),
    ],
)
def test_an_import_through_a_wall_is_refused(house, file, line):
    path = house / file
    before = path.read_text()
    path.write_text(f"{before}\n{line}\n")
    lint = "from importlinter.cli import lint_imports_command as main; main()"
    try:
        ended = subprocess.run(
            [sys.executable, "-c", lint, "--no-logo", "--no-cache"], cwd=house, capture_output=True, text=True
        )
    finally:
        path.write_text(before)
    assert ended.returncode == 1, ended.stdout
    assert "3 kept, 1 broken" in ended.stdout
