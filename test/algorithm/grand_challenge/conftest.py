from pathlib import Path

import pytest


@pytest.fixture
def case(tmp_path: Path) -> Path:
    """The folders of a case, as the platform makes them."""
    (tmp_path / "input/images/histopathology-roi-cropout").mkdir(parents=True)
    (tmp_path / "output").mkdir()
    return tmp_path
