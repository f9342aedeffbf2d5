from dataclasses import replace
from pathlib import Path

import pytest

from algorithm.frames import Mpp
from training.index import IndexedImage
from training.subset import share_of_slides


def image(dataset: str, slide: str, glass: str = "") -> IndexedImage:
    return IndexedImage(dataset, slide, Path(f"{dataset}/{slide}.jpg"), (10, 10), Mpp(0.25, 0.25), (), glass=glass)


FRAMES = [image("frames", f"H{n:02}") for n in range(8) for _ in range(3)]
CROPS = [image("crops", f"crop{n}") for n in range(40)]


def slides(images) -> set[str]:
    return {one.slide for one in images}


@pytest.mark.parametrize(("share", "frames", "crops"), [(0.25, 2, 10), (0.3, 2, 12), (0.5, 4, 20), (1.0, 8, 40)])
def test_each_data_set_keeps_its_share_of_slides(share, frames, crops):
    kept = share_of_slides([*FRAMES, *CROPS], share, seed=0)
    assert len(slides(kept) & slides(FRAMES)) == frames
    assert len(slides(kept) & slides(CROPS)) == crops


def test_a_slide_is_kept_with_all_its_images_in_their_order():
    kept = share_of_slides(FRAMES, 0.5, seed=0)
    assert kept == [one for one in FRAMES if one.slide in slides(kept)]


def test_all_slides_are_left_as_they_are():
    assert share_of_slides([*FRAMES, *CROPS], 1.0, seed=3) == [*FRAMES, *CROPS]
    assert share_of_slides([], 0.5, seed=0) == []


@pytest.mark.parametrize("seed", range(5))
def test_a_smaller_share_is_part_of_a_larger_one(seed):
    quarter, half = (slides(share_of_slides(CROPS, share, seed=seed)) for share in (0.25, 0.5))
    assert quarter < half


def test_the_seed_draws_the_slides():
    assert len({frozenset(slides(share_of_slides(CROPS, 0.25, seed=seed))) for seed in range(5)}) == 5


def test_names_of_one_glass_stay_together_across_data_sets():
    other = [replace(image("more", f"A{n:02}"), glass=f"H{n:02}") for n in range(8)]
    for seed in range(5):
        kept = slides(share_of_slides([*FRAMES, *other], 0.25, seed=seed))
        assert {name[1:] for name in kept if name[0] == "H"} == {name[1:] for name in kept if name[0] == "A"}
