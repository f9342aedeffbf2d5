import pytest

from training.inspection.statistics import close_pairs, counted, distances, extents


def test_nothing_in_nothing_out():
    assert (counted([], lambda _: ()), close_pairs([]), distances([]), extents([])) == ([], [], [], [])


def test_counts_leave_images_without_scale_out_of_the_area(entry):
    images = [
        entry("a", [(1, 1), (900, 900)], [(500, 500)]),
        entry("a", name="a2", missing=True),
        entry("b", [(1, 1)], mpp=None),
    ]
    a, b = counted(images, lambda image: (image.slide,))
    assert (a.name, a.images, a.missing, a.unscaled, a.mf, a.nmf) == (("a",), 2, 1, 0, 2, 1)
    assert a.mm2 == pytest.approx(2 * 0.25 * 0.5)
    assert a.mf_per_mm2 == pytest.approx(2 / 0.25)
    assert (b.mf, b.unscaled, b.mm2, b.mf_per_mm2) == (1, 1, None, None)


@pytest.mark.parametrize(("mpp", "unit", "apart"), [(0.25, "um", 29.9), (0.5, "um", 14.9), (None, "px", 29.9)])
def test_cells_within_the_matching_radius_are_a_pair(entry, mpp, unit, apart):
    image = entry("a", [(100, 100), (100 + apart, 100)], [(500, 500), (500, 500 + apart)], mpp=mpp)
    contradiction = entry("b", [(100, 100)], [(100, 100 + apart)], mpp=mpp)
    pairs = close_pairs([image, contradiction])
    assert [(p.image.slide, p.contradicts, p.unit) for p in pairs] == [
        ("b", True, unit), ("a", False, unit), ("a", False, unit)
    ]  # fmt: skip
    assert pairs[0].distance == pytest.approx(apart * (mpp or 1))


def test_cells_at_the_radius_or_in_two_images_are_none(entry):
    assert close_pairs([entry("a", [(100, 100), (130, 100)]), entry("b", [(100, 100)]), entry("c", [(100, 101)])]) == []


def test_distances_count_bins_border_and_those_alone(entry):
    images = [
        entry("a", [(100, 100), (110, 100), (100, 900)]),  # 2.5 um, 2.5 um, 200 um
        entry("b", [(63, 500)]),  # alone, 15.75 um from the border
        entry("c", [(100, 100), (110, 100)], mpp=None),
    ]
    scaled, unscaled = distances(images)
    assert (scaled.counts, scaled.alone, scaled.by_border, scaled.annotations) == ([2, 0, 0, 0, 0, 1], 1, 1, 4)
    assert scaled.median == pytest.approx(2.5)
    assert (unscaled.unscaled, unscaled.counts, unscaled.median) == (True, [2, 0, 0, 0, 0, 0], pytest.approx(10))


def test_sizes_come_by_set_and_scale(entry):
    found = extents([entry("a"), entry("b"), entry("c", mpp=0.5), entry("d", mpp=None)])
    assert sorted((one.mpp.x if one.mpp else None, one.sizes) for one in found if one.mpp) == [
        (0.25, [((1000, 2000), 2)]), (0.5, [((1000, 2000), 1)])
    ]  # fmt: skip
    assert [one.mpp for one in found].count(None) == 1
