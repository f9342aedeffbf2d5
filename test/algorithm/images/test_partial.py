import logging

import numpy as np
import pytest

from algorithm.errors import ImageError
from algorithm.frames import Mpp
from algorithm.images import PartialImage


@pytest.fixture
def damaged(memory_image):
    """Return a function that gives an image whose columns from x on cannot be read."""

    def made(from_x: int) -> PartialImage:
        whole = memory_image(np.full((60, 100, 3), 90, np.uint8), Mpp(0.5, 0.5))
        read = whole.read

        def refusing(x, y, width, height, *, out=None):
            if x + width > from_x:
                raise ImageError("a.tif: strip 3 is damaged")
            return read(x, y, width, height, out=out)

        whole.read = refusing
        return PartialImage(whole)

    return made


def test_what_can_be_read_is_as_it_is_and_the_rest_is_white(damaged, caplog):
    caplog.set_level(logging.WARNING)
    image = damaged(50)
    assert (image.size, image.mpp) == ((100, 60), Mpp(0.5, 0.5))
    assert (image.read(0, 0, 40, 60) == 90).all()
    lost = image.read(40, 0, 40, 60, out=(20, 30))
    assert lost.shape == (30, 20, 3) and (lost == 255).all()
    assert image.conclude() == 1
    assert "1 of 2 windows of" in caplog.text and "strip 3 is damaged" in caplog.text


def test_an_image_of_which_nothing_can_be_read_fails_with_the_first_reason(damaged):
    image = damaged(0)
    image.read(0, 0, 40, 60)
    with pytest.raises(ImageError, match="strip 3 is damaged"):
        image.conclude()


def test_a_whole_image_says_nothing(damaged, caplog):
    image = damaged(1000)
    image.read(0, 0, 40, 60)
    assert image.conclude() == 0 and caplog.text == ""


def test_it_leaves_the_image_to_its_owner(memory_image):
    whole = memory_image(np.full((60, 100, 3), 90, np.uint8), Mpp(0.5, 0.5))
    with PartialImage(whole):
        pass
    assert (whole.read(0, 0, 5, 5) == 90).all()
