"""make_case.py: a picture as a case of the platform."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from algorithm.grand_challenge.inputs import find_image
from algorithm.images import open_image

SCRIPT = Path(__file__).resolve().parents[1] / "make_case.py"


def test_the_case_is_found_and_holds_the_picture_s_pixels_and_scale(tmp_path, python):
    pixels = np.random.default_rng(0).integers(0, 255, (70, 90, 3), np.uint8)
    cv2.imwrite(str(tmp_path / "frame.png"), pixels[..., ::-1])
    ended = python(SCRIPT, tmp_path / "frame.png", tmp_path / "case", "--mpp", 0.2456)
    assert ended.returncode == 0, ended.stderr
    path = find_image(tmp_path / "case")
    assert ended.stdout.strip() == str(path)
    with open_image(path) as image:
        assert image.mpp.x == pytest.approx(0.2456, rel=1e-4)
        assert (image.read(0, 0, 90, 70, out=(90, 70)) == pixels).all()


def test_what_is_no_picture_is_said(tmp_path, python):
    (tmp_path / "frame.png").write_text("no picture")
    ended = python(SCRIPT, tmp_path / "frame.png", tmp_path / "case", "--mpp", 0.25)
    assert ended.returncode == 1
    assert "frame.png: cannot be read as a picture" in ended.stderr
