import numpy as np
import PIL.Image
import pytest

import training.working
from algorithm.frames import Mpp
from algorithm.images import open_image
from training.augment import Augment
from training.cutting import shows_tissue
from training.index import Annotation, DataError, IndexedImage
from training.patches import PatchDataset
from training.places import Kind, patches_of
from training.working import WorkingImages

DARK = 120  # mean grey below which a pixel belongs to a disc
PLENTY = 10**9
PLAIN = Augment()
COLOURS = {"stain_factor": 0.15, "stain_shift": 0.05, "hue_deg": 12.0, "saturation": 0.3, "value": 0.15}
QUALITY = {"blur_share": 0.5, "blur_sigma_px": 1.0, "jpeg_share": 0.5, "jpeg_quality": (60, 95)}
AUGMENTED = Augment(turn_and_flip=True, zoom=0.2, **COLOURS, **QUALITY)
DRAWS = 60


@pytest.fixture
def dataset():
    def of(*images, **changes) -> PatchDataset:
        settings = {
            "mpp": 0.25,
            "box_px": 40.0,
            "patch_px": (160, 160),
            "classes": ["mitotic figure"],
            "augment": PLAIN,
        }
        return PatchDataset(images, **(settings | {"cache_bytes": PLENTY} | changes))

    return of


def grey(item: dict) -> np.ndarray:
    """Return the patch (height, width) float."""
    return item["inputs"].numpy().mean(axis=0)


def boxes(item: dict) -> np.ndarray:
    return item["data_samples"].gt_instances.bboxes.numpy()


def places(item: dict) -> np.ndarray:
    return (boxes(item)[:, :2] + boxes(item)[:, 2:]) / 2


def darkness_at(item: dict) -> list[float]:
    pixels = grey(item)
    return [float(pixels[min(int(y), pixels.shape[0] - 1), min(int(x), pixels.shape[1] - 1)]) for x, y in places(item)]


def numbers(data: PatchDataset, kind: Kind) -> list[int]:
    return [number for number, patch in enumerate(data.patches) if patch.kind == kind]


def dark_centre(item: dict) -> np.ndarray:
    """Return the middle of what is dark, patch px."""
    y, x = np.nonzero(grey(item) < DARK)
    return np.array([x.mean() + 0.5, y.mean() + 0.5])


def test_every_annotation_is_a_patch_and_every_image_has_one_anywhere(drawn, indexed):
    one = indexed(drawn("H01_a", (300, 200), [(50, 60), (200, 90)], [(120, 150)]))
    empty = indexed(drawn("H02_a", (300, 200), []))
    found = patches_of([one, empty])
    assert [(patch.image, patch.dataset, patch.slide, patch.kind) for patch in found] == [
        (0, "drawn", "H01", Kind.ANYWHERE), (0, "drawn", "H01", Kind.BACKGROUND), (0, "drawn", "H01", Kind.FIGURE),
        (0, "drawn", "H01", Kind.FIGURE), (0, "drawn", "H01", Kind.IMPOSTER),
        (1, "drawn", "H02", Kind.ANYWHERE), (1, "drawn", "H02", Kind.BACKGROUND),
    ]  # fmt: skip
    assert [patch.centre for patch in found[:4]] == [None, None, (50, 60), (200, 90)]
    assert patches_of([]) == []


@pytest.mark.parametrize("patch_px", [(160, 160), (224, 128)])
def test_figure_stays_inside_its_patch_by_a_box(drawn, indexed, dataset, patch_px):
    data = dataset(indexed(drawn("H01_a", (600, 500), [(300, 250)])), patch_px=patch_px)
    at = np.array([places(data[numbers(data, Kind.FIGURE)[0], seed])[0] for seed in range(DRAWS)])
    reach = np.array(patch_px) - 40
    assert (at >= 40 - 0.5).all()  # corners are whole pixels
    assert (at <= reach + 0.5).all()
    # and it may be anywhere within: half of the way at least was used
    assert (np.ptp(at, axis=0) > (reach - 40) / 2).all()


def test_figure_at_the_border_of_the_image_is_inside_its_patch(drawn, indexed, dataset):
    data = dataset(indexed(drawn("H01_a", (400, 300), [(3, 5), (398, 297)])))
    for number in numbers(data, Kind.FIGURE):
        for seed in range(20):
            assert min(darkness_at(data[number, seed])) < DARK


def test_patches_from_anywhere_reach_all_of_the_image(drawn, indexed, dataset):
    data = dataset(indexed(drawn("H01_a", (400, 300), [(20, 20), (380, 280)])))
    seen = {tuple(np.round(places(data[0, seed])[0] + 0.0)) for seed in range(150) if len(boxes(data[0, seed]))}
    low = {one for one in seen if max(one) < 80}
    assert low  # the top left corner
    assert seen - low  # and the other end


@pytest.mark.parametrize("augment", [PLAIN, AUGMENTED, Augment(turn_and_flip=True)])
@pytest.mark.parametrize("patch_px", [(160, 160), (224, 128)])
def test_boxes_lie_on_the_figures_after_every_augmentation(drawn, indexed, dataset, augment, patch_px):
    cells = drawn("H01_a", (500, 400), [(90, 80), (210, 100), (330, 290), (120, 300), (430, 60)])
    data = dataset(indexed(cells), patch_px=patch_px, augment=augment)
    for number in numbers(data, Kind.FIGURE):
        for seed in range(12):
            item = data[number, seed]
            assert len(boxes(item))
            assert max(darkness_at(item)) < DARK
            assert boxes(item)[:, 2:] - boxes(item)[:, :2] == pytest.approx(40)


def test_every_figure_that_shows_has_its_box(drawn, indexed, dataset):
    cells = drawn("H01_a", (500, 400), [(90, 80), (210, 100), (330, 290), (120, 300), (430, 60)])
    data = dataset(indexed(cells), augment=AUGMENTED)
    for seed in range(DRAWS):
        item = data[0, seed]
        pixels = grey(item)
        for x, y in places(item):
            top, left = max(0, int(y) - 18), max(0, int(x) - 18)
            pixels[top : int(y) + 18, left : int(x) + 18] = 255
        # what is left belongs to discs whose centre is outside: it touches the border
        assert not (pixels[15:-15, 15:-15] < DARK).any()


def test_imposters_are_a_class_of_their_own_only_where_asked(drawn, indexed, dataset):
    image = indexed(drawn("H01_a", (160, 160), [(50, 60)], [(110, 100)]))
    one, two = dataset(image), dataset(image, classes=["mitotic figure", "imposter"])
    assert one[0, 0]["data_samples"].gt_instances.labels.tolist() == [0]
    assert two[0, 0]["data_samples"].gt_instances.labels.tolist() == [0, 1]
    assert places(two[0, 0]).tolist() == [[50, 60], [110, 100]]
    assert one.metainfo["classes"] == ("mitotic figure",)
    assert two.metainfo["classes"] == ("mitotic figure", "imposter")


def test_patch_without_a_figure_has_no_boxes(drawn, indexed, dataset):
    item = dataset(indexed(drawn("H01_a", (300, 300), [])))[0, 0]
    instances = item["data_samples"].gt_instances
    assert instances.bboxes.shape == (0, 4)
    assert instances.labels.shape == (0,)
    assert item["inputs"].shape == (3, 160, 160)


def test_mmdet_is_told_height_before_width(drawn, indexed, dataset):
    item = dataset(indexed(drawn("H01_a", (500, 400), [])), patch_px=(224, 128))[0, 0]
    assert item["inputs"].shape == (3, 128, 224)
    assert item["data_samples"].img_shape == (128, 224)


# an image smaller than the patch


def test_small_image_is_filled_up_by_reflection_and_mirrored_figures_have_boxes(drawn, indexed, dataset):
    data = dataset(indexed(drawn("H01_a", (100, 90), [(70, 40)])), patch_px=(160, 160), box_px=20.0)
    item = data[0, 0]
    # mirrored at 100 across and at 90 down
    assert sorted(map(tuple, places(item).tolist())) == [(70, 40), (70, 140), (130, 40), (130, 140)]
    assert max(darkness_at(item)) < DARK
    pixels = item["inputs"].numpy()
    assert (pixels[:, :, 100:] == pixels[:, :, 40:100][:, :, ::-1]).all()
    assert (pixels[:, 90:] == pixels[:, 20:90][:, ::-1]).all()


def test_tiny_image_repeats_until_the_patch_is_full(drawn, indexed, dataset):
    data = dataset(indexed(drawn("H01_a", (40, 160), [(12, 80)])), patch_px=(160, 160), box_px=20.0)
    item = data[0, 0]
    assert sorted(places(item)[:, 0].tolist()) == [12, 68, 92, 148]
    assert max(darkness_at(item)) < DARK


def test_image_as_large_as_the_patch_has_no_echoes(drawn, indexed, dataset):
    data = dataset(indexed(drawn("H01_a", (160, 160), [(20, 30), (150, 150)])))
    assert places(data[0, 0]).tolist() == [[20, 30], [150, 150]]


@pytest.mark.parametrize("augment", [Augment(turn_and_flip=True, **COLOURS)])
def test_mirrored_figures_keep_their_boxes_through_augmentation(drawn, indexed, dataset, augment):
    data = dataset(indexed(drawn("H01_a", (100, 90), [(70, 40)])), box_px=20.0, augment=augment)
    for seed in range(24):
        item = data[numbers(data, Kind.FIGURE)[0], seed]
        assert len(boxes(item)) == 4
        assert max(darkness_at(item)) < DARK


# the working resolution


@pytest.mark.parametrize("mpp", [0.2275, 0.25, 0.5])
def test_resampling_keeps_figures_in_their_places(drawn, indexed, dataset, mpp):
    image = indexed(drawn("H01_a", (700, 600), [(311, 287)]), mpp=0.2275)
    data = dataset(image, mpp=mpp, box_px=16 / mpp, patch_px=(160, 160))
    for seed in range(10):
        item = data[numbers(data, Kind.FIGURE)[0], seed]
        assert np.hypot(*(places(item)[0] - dark_centre(item))) < 0.6
        assert boxes(item)[0, 2] - boxes(item)[0, 0] == pytest.approx(16 / mpp)


def test_pixels_that_are_no_squares_are_made_square(tmp_path, drawn, indexed, dataset):
    image = indexed(drawn("H01_a", (400, 400), [(200, 100)]))
    wide = IndexedImage("set", "H01", image.path, image.size, Mpp(0.5, 0.25), (Annotation(200, 100, "MF"),))
    data = dataset(wide, mpp=0.5, patch_px=(400, 200))
    item = data[0, 0]
    assert places(item).tolist() == [[200, 50]]
    assert np.hypot(*(places(item)[0] - dark_centre(item))) < 0.6


# zoom and mosaic


@pytest.mark.parametrize("patch_px", [(160, 160), (224, 128)])
def test_zoomed_patch_shows_figures_larger_or_smaller_in_boxes_of_one_size(drawn, indexed, dataset, patch_px):
    image = indexed(drawn("H01_a", (600, 500), [(300, 250)]))
    data = dataset(image, patch_px=patch_px, augment=Augment(zoom=0.25))
    areas = []
    for seed in range(DRAWS):
        item = data[numbers(data, Kind.FIGURE)[0], seed]
        assert item["inputs"].shape == (3, patch_px[1], patch_px[0])
        assert np.hypot(*(places(item)[0] - dark_centre(item))) < 0.6
        assert boxes(item)[0, 2:] - boxes(item)[0, :2] == pytest.approx(40, abs=1e-3)
        assert (places(item)[0] >= 39).all()  # inside by a box, as without zoom
        assert (places(item)[0] <= np.array(patch_px) - 39).all()
        areas.append((grey(item) < DARK).sum())
    assert max(areas) > 1.7 * min(areas)


def test_mosaic_is_drawn_from_patches_that_have_a_chance(drawn, indexed, dataset):
    cells = drawn("H01_a", (600, 500), [(300, 250), (100, 100)])
    data = dataset(indexed(cells), indexed(drawn("H02_a", (300, 300), [])), augment=Augment(mosaic_share=1.0))
    chances = np.array([patch.kind == Kind.FIGURE for patch in data.patches], float)
    data.mix_by(chances / chances.sum())
    number = numbers(data, Kind.FIGURE)[0]
    for seed in range(DRAWS):
        item = data[number, seed]
        assert item["inputs"].shape == (3, 160, 160)
        assert len(boxes(item)) == 4  # the two figures of the image lie far apart
        assert max(darkness_at(item)) < DARK
        assert (data[number, seed]["inputs"] == item["inputs"]).all()


def test_mosaic_happens_as_often_as_asked(drawn, indexed, dataset):
    data = dataset(indexed(drawn("H01_a", (600, 500), [(300, 250)])), augment=Augment(mosaic_share=0.3))
    data.mix_by(np.array([patch.kind == Kind.FIGURE for patch in data.patches], float))
    number = numbers(data, Kind.FIGURE)[0]
    assert 0.15 < np.mean([len(boxes(data[number, seed])) > 1 for seed in range(120)]) < 0.45


def test_mosaic_without_probabilities_is_an_error(drawn, indexed, dataset):
    data = dataset(indexed(drawn("H01_a", (600, 500), [(300, 250)])), augment=Augment(mosaic_share=1.0))
    with pytest.raises(ValueError, match="call mix_by first"):
        data[1, 0]


# equal draws, equal patches


def test_patch_is_a_function_of_its_number_and_seed(drawn, indexed, dataset):
    image = indexed(drawn("H01_a", (500, 400), [(90, 80), (330, 290)]))
    one, other = dataset(image, augment=AUGMENTED), dataset(image, augment=AUGMENTED)
    for draw in ((0, 1), (1, 1), (2, 7), (0, 1)):
        assert (one[draw]["inputs"] == other[draw]["inputs"]).all()
        assert (boxes(one[draw]) == boxes(other[draw])).all()
    assert one[1, 1]["inputs"].shape == one[1, 2]["inputs"].shape
    assert (one[1, 1]["inputs"] != one[1, 2]["inputs"]).any()


@pytest.fixture
def smooth(tmp_path):
    """A picture that changes slowly, as half a pixel of the image is lost between the two ways of reading."""

    def written(mpp: float) -> IndexedImage:
        y, x = np.mgrid[:420, :510].astype(float)
        waves = (np.sin(x / 60), np.cos(y / 70), np.sin((x + y) / 80))
        pixels = np.stack([150 + 80 * wave for wave in waves], axis=-1).astype(np.uint8)
        path = tmp_path / "H01_smooth.png"
        PIL.Image.fromarray(pixels).save(path)
        return IndexedImage("set", "H01", path, (510, 420), Mpp(mpp, mpp), (Annotation(255.5, 200, "MF"),))

    return written


@pytest.mark.parametrize("mpp", [0.25, 0.2275, 0.5])
@pytest.mark.parametrize("patch_px", [(128, 96), (640, 640)])
def test_reading_a_window_gives_what_the_decoded_image_gives(smooth, dataset, mpp, patch_px):
    image = smooth(mpp)
    windowed, cached = (dataset(image, patch_px=patch_px, cache_bytes=room) for room in (0, PLENTY))
    for seed in range(8):
        here, there = windowed[1, seed], cached[1, seed]
        apart = np.abs(here["inputs"].numpy().astype(int) - there["inputs"].numpy())
        assert apart.max() <= 2
        assert (boxes(here) == boxes(there)).all()


def test_memory_for_images_is_never_more_than_allowed(drawn, indexed):
    images = [indexed(drawn(f"H0{n}_a", (100, 100), [])) for n in range(4)]
    working = WorkingImages(images, mpp=0.25, cache_bytes=2 * 30_000 + 29_999)
    for number in (0, 1, 2, 3, 0):
        assert working.window(number, 10, 10, (50, 40)).shape == (40, 50, 3)
    assert sum(kept.nbytes for kept in working._kept.values()) == 60_000


# what is cut at no cell


def test_background_holds_no_annotated_cell(drawn, indexed, dataset):
    cells = [(90, 80), (210, 100), (330, 290)]
    data = dataset(indexed(drawn("H01_a", (700, 600), cells, [(500, 400)])), classes=["mitotic figure", "imposter"])
    [number] = numbers(data, Kind.BACKGROUND)
    for seed in range(DRAWS):
        item = data[number, seed]
        assert not len(boxes(item))
        assert not (grey(item)[16:-16, 16:-16] < DARK).any()


def test_background_of_an_image_full_of_figures_still_has_its_boxes(drawn, indexed, dataset):
    data = dataset(indexed(drawn("H01_a", (60, 60), [(30, 30)])), patch_px=(64, 64))
    [number] = numbers(data, Kind.BACKGROUND)
    assert len(boxes(data[number, 0]))


@pytest.mark.parametrize("augment", [PLAIN, Augment(isolated_share=1.0)])
def test_what_is_cut_anywhere_shows_tissue_not_glass(tmp_path, dataset, augment):
    pixels = np.full((800, 4000, 3), 245, np.uint8)
    pixels[:, :900] = (225, 150, 200)  # the tissue is in the first quarter
    PIL.Image.fromarray(pixels).save(tmp_path / "H01_a.png")
    image = IndexedImage("set", "H01", tmp_path / "H01_a.png", (4000, 800), Mpp(0.25, 0.25), ())
    data = dataset(image, augment=augment)
    for kind in (Kind.ANYWHERE, Kind.BACKGROUND):
        [number] = numbers(data, kind)
        shown = [shows_tissue(data[number, seed]["inputs"].numpy().transpose(1, 2, 0)) for seed in range(40)]
        assert np.mean(shown) > 0.9  # 0.25 without looking again


@pytest.mark.parametrize(
    ("colour", "tissue"), [((245, 245, 245), False), ((40, 40, 40), False), ((225, 150, 200), True)]
)
def test_tissue_is_what_is_stained(colour, tissue):
    assert shows_tissue(np.full((64, 64, 3), colour, np.uint8)) == tissue


# parts of a file


@pytest.fixture
def sheet(tmp_path):
    """Twelve cells of 64 px, a figure in the middle of each, in one file."""
    pixels = np.full((3 * 64, 4 * 64, 3), (225, 170, 200), np.uint8)
    y, x = np.mgrid[:192, :256] % 64 + 0.5
    pixels[np.hypot(x - 32, y - 32) <= 10] = 30
    path = tmp_path / "sheet.png"
    PIL.Image.fromarray(pixels).save(path)
    figure = (Annotation(32, 32, "MF"),)
    cells = [(64 * column, 64 * row, 64, 64) for row in range(3) for column in range(4)]
    return [IndexedImage("s", "", path, (64, 64), Mpp(0.25, 0.25), figure, window=cell) for cell in cells]


@pytest.mark.parametrize("cache_bytes", [0, PLENTY])
def test_cell_of_a_sheet_is_filled_up_from_itself_and_every_echo_labelled(sheet, dataset, cache_bytes):
    data = dataset(*sheet, patch_px=(160, 160), box_px=20.0, cache_bytes=cache_bytes)
    for number in numbers(data, Kind.FIGURE):
        item = data[number, 3]
        assert max(darkness_at(item)) < DARK
        assert len(boxes(item)) >= 4  # itself and its reflections


def test_a_sheet_is_decoded_once_for_all_of_its_cells(sheet, monkeypatch):
    opened = []
    monkeypatch.setattr(training.working, "open_image", lambda path: opened.append(path) or open_image(path))
    working = WorkingImages(sheet, mpp=0.25, cache_bytes=PLENTY)
    for number in range(len(sheet)):
        working.window(number, 0, 0, (64, 64))
    assert len(opened) == 1


def test_large_images_stay_open_but_not_all_of_them(drawn, indexed, monkeypatch):
    monkeypatch.setattr(training.working, "OPEN_FILES", 2)
    images = [indexed(drawn(f"H0{n}_a", (100, 100), [])) for n in range(4)]
    working = WorkingImages(images, mpp=0.25, cache_bytes=0)
    for number in (0, 1, 1, 2, 3, 0):
        assert working.window(number, 10, 10, (50, 40)).shape == (40, 50, 3)
    assert list(working._open) == [3, 0]


def test_an_isolated_patch_shows_its_cell_alone_and_in_reflections(drawn, indexed, dataset):
    image = indexed(drawn("H01_a", (600, 500), [(300, 250), (400, 250)], [(100, 100)]))
    data = dataset(image, patch_px=(320, 320), augment=Augment(isolated_share=1.0))
    side = round(32 / 0.25)
    for number in numbers(data, Kind.FIGURE):
        item = data[number, 0]
        assert len(boxes(item)) == 4  # at 64 and 192 of 320 px, both ways
        assert np.abs(places(item)[0] - side / 2).max() < 1
        assert max(darkness_at(item)) < DARK
        pixels = item["inputs"].numpy()
        assert np.array_equal(pixels[:, :side, :side], pixels[:, :side, side : 2 * side][:, :, ::-1])


def test_isolated_imposters_and_tissue_look_the_same_and_have_no_box(drawn, indexed, dataset):
    image = indexed(drawn("H01_a", (600, 500), [(300, 250)], [(100, 100)]))
    data = dataset(image, patch_px=(320, 320), augment=Augment(isolated_share=1.0))
    (imposter,) = numbers(data, Kind.IMPOSTER)
    item = data[imposter, 0]
    assert len(boxes(item)) == 0
    assert abs(grey(item)[64, 64] - grey(item)[64, 192]) < 1 < abs(grey(item)[64, 64] - grey(item)[0, 0])
    (anywhere,) = numbers(data, Kind.ANYWHERE)
    corners = {data[anywhere, seed]["inputs"].numpy()[:, :128, :128].tobytes() for seed in range(8)}
    assert len(corners) > 1  # any tissue


def test_a_crop_is_shown_as_it_is_by_isolation(drawn, indexed, dataset):
    crop = indexed(drawn("c_01", (128, 128), [(64, 64)]))
    plain, isolated = (dataset(crop, patch_px=(320, 320), augment=one) for one in (PLAIN, Augment(isolated_share=1.0)))
    (figure,) = numbers(plain, Kind.FIGURE)
    assert np.array_equal(plain[figure, 0]["inputs"], isolated[figure, 0]["inputs"])
    assert np.array_equal(boxes(plain[figure, 0]), boxes(isolated[figure, 0]))


def test_a_cell_at_any_fraction_of_a_pixel_can_be_isolated(drawn, indexed, dataset):
    at = [(300 + n / 7, 250 + n / 3) for n in range(40)]
    data = dataset(indexed(drawn("H01_a", (600, 500), at)), mpp=0.3, augment=Augment(isolated_share=1.0, zoom=0.1))
    assert all(len(boxes(data[number, seed])) for number in numbers(data, Kind.FIGURE) for seed in range(4))


# cells pasted into other tissue


@pytest.fixture
def pasting(drawn, indexed, dataset, tmp_path):
    """A dark crop with a figure, and two frames of light tissue with a figure and an imposter each, all pasted."""
    crop = indexed(drawn("c_01", (128, 128), [(64, 64)]))
    dark = np.array(PIL.Image.open(crop.path)) // 2
    PIL.Image.fromarray(dark).save(crop.path)
    frames = [indexed(drawn(f"H0{n}_a", (600, 500), [(300, 250)], [(100, 100)])) for n in (1, 2)]

    def of(share: float = 1.0, **changes) -> PatchDataset:
        data = dataset(crop, *frames, patch_px=(320, 320), augment=Augment(pasted_share=share), **changes)
        data.mix_by(np.full(len(data.patches), 1 / len(data.patches)))
        return data

    return of


def test_a_pasted_figure_lies_in_tissue_of_a_frame_with_its_box(pasting):
    data = pasting()
    for number in numbers(data, Kind.FIGURE):
        for seed in range(20):
            item = data[number, seed]
            assert 1 <= len(boxes(item)) <= 2  # and at most the one that the ground shows
            assert max(darkness_at(item)) < DARK
    (of_crop, *_) = numbers(data, Kind.FIGURE)
    light = [(grey(data[of_crop, seed]) > 150).mean() for seed in range(20)]
    assert min(light) > 0.7  # nothing but the round part is the crop's


def test_pasted_figures_reach_all_of_the_patch(pasting):
    data = pasting()
    (of_crop, *_) = numbers(data, Kind.FIGURE)
    at = np.array([dark_crop(data[of_crop, seed]) for seed in range(DRAWS)])
    assert (at.min(axis=0) < 110).all() and (at.max(axis=0) > 210).all()


def dark_crop(item: dict) -> np.ndarray:
    """Return the middle of what is as dark as the crop, patch px."""
    pixels = grey(item)
    y, x = np.nonzero((pixels > 90) & (pixels < 140))
    return np.array([np.median(x), np.median(y)])


def test_a_pasted_imposter_looks_the_same_and_has_no_box(pasting):
    data = pasting()
    shown = [len(boxes(data[number, seed])) for number in numbers(data, Kind.IMPOSTER) for seed in range(DRAWS)]
    assert min(shown) == 0 and max(shown) <= 1


def test_pasting_happens_as_often_as_asked(pasting):
    data = pasting(0.3)
    (of_crop, *_) = numbers(data, Kind.FIGURE)
    assert 0.15 < np.mean([(grey(data[of_crop, seed]) > 150).mean() > 0.5 for seed in range(120)]) < 0.45


def test_pasted_patch_is_a_function_of_its_number_and_seed(pasting):
    one, other = pasting(0.5), pasting(0.5)
    for draw in ((2, 1), (5, 7), (2, 1)):
        assert (one[draw]["inputs"] == other[draw]["inputs"]).all()
        assert (boxes(one[draw]) == boxes(other[draw])).all()


def test_pasting_needs_an_image_as_large_as_a_patch(drawn, indexed, dataset):
    data = dataset(indexed(drawn("c_01", (128, 128), [(64, 64)])), augment=Augment(pasted_share=0.5))
    with pytest.raises(ValueError, match="call mix_by first"):
        [data[2, seed] for seed in range(20)]
    with pytest.raises(DataError, match=r"pasted_share: no image .* as large as a patch \(160 x 160 px\)"):
        data.mix_by(np.ones(3) / 3)
