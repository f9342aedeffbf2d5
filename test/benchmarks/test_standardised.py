"""Images are brought to one strength of stain, and stay the index's images."""

import numpy as np
import PIL.Image
import pytest

from algorithm.frames import Mpp
from benchmarks.stains import of_tissue
from benchmarks.standardised import DARKEST_HAEMATOXYLIN, EOSIN, MOST, factors, of_one_strength, standardised
from training.augment.stain import RGB_FROM_STAINS
from training.index import IndexedImage
from training.opening import open_picture


def tissue(strength: float) -> np.ndarray:
    """Return drawn tissue of nuclei in stroma, all its stains times a strength."""
    rng = np.random.default_rng(0)
    stains = np.zeros((120, 160, 3))
    stains[..., 0] = rng.uniform(0.05, 0.3, (120, 160))
    stains[20:40, 20:60, 0] = rng.uniform(0.7, 0.9, (20, 40))
    stains[..., 1] = 0.6
    return (255 * np.exp(-strength * stains @ RGB_FROM_STAINS)).round().astype(np.uint8)


@pytest.mark.parametrize("strength", [0.8, 1.0, 1.4])
def test_stains_of_any_usual_strength_become_those_of_most_slides(strength):
    _, darkest, eosin = of_tissue(of_one_strength(tissue(strength)))
    assert darkest == pytest.approx(DARKEST_HAEMATOXYLIN, rel=0.05)
    assert eosin == pytest.approx(EOSIN, rel=0.05)


def test_nothing_is_changed_by_more_than_the_most():
    assert factors(np.array([0.2, 100.0, 0.001])) == pytest.approx([1 / MOST, MOST])


def test_a_stain_that_is_lacking_is_left_alone():
    assert factors(np.array([0.2, DARKEST_HAEMATOXYLIN / 1.2, 0.0])) == pytest.approx([1.2, 1])
    assert factors(np.zeros(3)).tolist() == [1, 1]


def test_glass_stays_as_it_is():
    glass = np.full((40, 40, 3), 250, np.uint8)
    assert (np.abs(of_one_strength(glass).astype(int) - glass) <= 1).all()


def test_standardised_images_keep_their_place_in_the_index(tmp_path):
    """Two pictures of one name, one of them cut from a sheet."""
    images = []
    for name, window in (("a", None), ("b", (10, 20, 100, 60))):
        path = tmp_path / name / "H03_01Aa.png"
        path.parent.mkdir()
        PIL.Image.fromarray(tissue(1.4)).save(path)
        size = window[2:] if window else (160, 120)
        images.append(IndexedImage("set", "H03", path, size, Mpp(0.25, 0.25), (), window=window))
    folder = tmp_path / "out"
    folder.mkdir()
    made = standardised(images, folder)
    assert [(one.name, one.size, one.mpp) for one in made] == [(one.name, one.size, one.mpp) for one in images]
    for before, after in zip(images, made, strict=True):
        with open_picture(before) as old, open_picture(after) as new:
            assert new.size == old.size
            assert (new.read(0, 0, *new.size).mean() > old.read(0, 0, *old.size).mean()).all()
