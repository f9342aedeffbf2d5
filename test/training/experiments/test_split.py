"""A part of the data that is kept from training."""

import pytest

from training.experiments.split import split, split_folder
from training.importers import read_folder
from training.index import DataError, glass_of


@pytest.fixture
def images(listed):
    """Ten slides of each of two tumours; slide 0 of both is one glass."""
    return [
        listed("set", f"{tumour}{n}", 1 + n % 3, 1, tumour=tumour, glass="shared" if n == 0 else "")
        for tumour in ("breast", "lung")
        for n in range(10)
    ]


def test_no_glass_is_on_both_sides_and_no_image_is_lost(images):
    glass = glass_of(images)
    for seed in range(5):
        train, kept = split(images, 5, seed=seed)
        assert not {glass[image.slide] for image in train} & {glass[image.slide] for image in kept}
        assert sorted(image.slide for image in [*train, *kept]) == sorted(image.slide for image in images)


def test_every_tumour_is_on_both_sides_by_its_share(listed):
    images = [listed("set", f"{tumour}{n}", 1, tumour=tumour) for tumour in ("breast", "lung") for n in range(20)]
    for part, count in zip(split(images, 4), (15, 5), strict=True):
        assert [sum(image.tumour == name for image in part) for name in ("breast", "lung")] == [count, count]


def test_same_seed_keeps_the_same_slides_and_another_seed_others(images):
    def kept(seed):
        return [image.slide for image in split(images, 5, seed=seed)[1]]

    assert kept(3) == kept(3)
    assert len({tuple(kept(seed)) for seed in range(5)}) > 1


def test_tumours_of_one_slide_each_can_be_split(listed):
    images = [listed("set", f"s{n}", 1, tumour=f"tumour {n}") for n in range(6)]
    assert [len(part) for part in split(images, 3)] == [4, 2]


def test_fewer_slides_than_parts_are_refused(images):
    with pytest.raises(DataError, match="one of 5 of 3 slides"):
        split(images[:3], 5)


def test_command_writes_two_indexes_that_can_be_read_and_never_writes_over_them(command, write_slides, tmp_path):
    data = write_slides(tmp_path / "data", ["H03", "H04", "H05", "H07"])
    result = command("split", data, "--one-of", 4, "--output", tmp_path / "parts")
    assert result.exit_code == 0, result.output
    train, kept = (read_folder(tmp_path / "parts" / name) for name in ("train", "kept"))
    assert (len(train), len(kept)) == (3, 1)
    assert f"{tmp_path}/parts/kept: 3 figures in 1 images of 1 slides" in result.output
    result = command("split", data, "--output", tmp_path / "parts")
    assert (result.exit_code, result.stderr.count("holds an index already")) == (5, 1)


def test_split_of_real_crops_keeps_a_fifth_of_every_domain(shared, tmp_path):
    train, kept = split_folder(shared("mf_crops"), 5, tmp_path / "parts")
    for domain in {image.tumour for image in train}:
        numbers = [sum(image.tumour == domain for image in part) for part in (kept, train)]
        assert numbers[0] / sum(numbers) == pytest.approx(0.2, abs=0.02)
