"""The straight path from pixels to Detections, with an engine that finds drawn figures."""

import logging
from threading import Event
from threading import enumerate as enumerate_threads

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algorithm.detector import Detector, Options, filled_up
from algorithm.errors import EngineError, ImageError, MitosisError
from algorithm.frames import Mpp

HALF_UM = Mpp(0.5, 0.5)
SIZE = (330, 271)


@pytest.fixture(scope="module")
def found_in(fake_engine, memory_image, with_facts):
    """Return a function that gives the Detections of pixels; options and facts by keyword."""

    def found(pixels, *, mpp=HALF_UM, engines=None, options=None, **facts):
        bundle = with_facts(at_mpp=[None] * len(engines or [None]), **facts)
        engines = engines or [fake_engine(bundle.facts.tile_px)]
        detector = Detector(bundle, options or Options(), engines=engines)
        return detector.detect(memory_image(pixels, mpp))[0]

    return found


@pytest.fixture
def spread(draw, spread_figures):
    figures = spread_figures(SIZE)
    return figures, draw(SIZE, figures)


def matched(detections, figures, *, within_px):
    """Ask for one detection at each figure and none elsewhere."""
    assert len(detections) == len(figures)
    if not figures:
        return
    wanted = np.array([(figure.x, figure.y) for figure in figures])
    distance = np.linalg.norm(detections.xy[:, None] - wanted[None], axis=2)
    assert sorted(distance.argmin(axis=0)) == list(range(len(figures)))
    assert distance.min(axis=0).max() <= within_px


def same(one, other, *, px=1e-3, probability=1e-6):
    assert len(one) == len(other)
    order = [np.lexsort((each.xy[:, 0].round(1), each.xy[:, 1].round(1))) for each in (one, other)]
    np.testing.assert_allclose(one.xy[order[0]], other.xy[order[1]], atol=px)
    np.testing.assert_allclose(one.probability[order[0]], other.probability[order[1]], atol=probability)
    np.testing.assert_allclose(one.box[order[0]], other.box[order[1]], atol=px)


def test_every_figure_is_found_once_where_it_is_and_in_the_order_of_probability(found_in, spread):
    figures, pixels = spread
    found = found_in(pixels)
    matched(found, figures, within_px=0.3)
    darkest_first = sorted(figures, key=lambda figure: -figure.darkness)
    assert found.xy[0] == pytest.approx((darkest_first[0].x, darkest_first[0].y), abs=0.5)
    rows = list(zip(-found.probability, found.xy[:, 1], found.xy[:, 0], strict=True))
    assert rows == sorted(rows)
    assert (found.image, found.size, found.mpp, found.threshold) == ("drawn.tif", SIZE, HALF_UM, 0.5)
    assert found.bundle == "tiny 1.0" and len(found.bundle_hash) == 64


@pytest.mark.parametrize(("tile_px", "overlap_px"), [(128, 100), (160, 64), (200, 71), (271, 64), (330, 80), (512, 64)])
def test_the_result_does_not_depend_on_the_grid(found_in, spread, tile_px, overlap_px):
    _, pixels = spread
    same(found_in(pixels), found_in(pixels, tile_px=tile_px, overlap_px=overlap_px))


@settings(max_examples=25)
@given(st.integers(12, 318), st.integers(12, 259))
def test_a_figure_anywhere_is_counted_once(found_in, draw, figure, x, y):
    found = found_in(draw(SIZE, [figure(x, y)]))
    assert found.xy.tolist() == [pytest.approx((x, y), abs=0.1)]


def test_figures_along_the_borders_of_cores_are_counted_once(found_in, draw, figure):
    # tiles of 128 px begin at 0, 36 and 72: their cores meet at 82 and 118
    figures = [figure(edge + n / 3, 25 + 30 * n, 0.9) for edge in (81, 117) for n in range(6)]
    matched(found_in(draw((200, 200), figures)), figures, within_px=0.2)


def test_two_tiles_that_place_a_figure_apart_neither_lose_nor_double_it(
    found_in, draw, figure, fake_engine, memory_image
):
    class Unsteady(fake_engine):
        """Places figures up to 3 px off, by where they lie in the tile."""

        def _found(self, tile):
            boxes, scores = super()._found(tile)
            boxes[:, [0, 2]] += np.where(boxes[:, [0]] > 64, 3, -3)
            return boxes, scores

    for x in range(72, 129, 3):
        found = found_in(draw((200, 120), [figure(x, 60)]), engines=[Unsteady()])
        assert len(found) == 1
        assert abs(found.xy[0, 0] - x) <= 3.5


@pytest.mark.parametrize("size", [(330, 271), (128, 128), (129, 128), (90, 300), (70, 50)])
def test_figures_in_every_corner_are_found_once(found_in, draw, figure, size):
    near, right, bottom = 11, size[0] - 11, size[1] - 11
    corners = [(near, near), (right, near), (near, bottom), (right, bottom)]
    figures = [figure(x, y, 0.9 - n / 20) for n, (x, y) in enumerate(corners)]
    matched(found_in(draw(size, figures)), figures, within_px=0.2)


@pytest.mark.parametrize("size", [(40, 40), (100, 30), (64, 127), (1, 200)])
def test_what_the_filling_mirrors_is_not_found(found_in, draw, figure, size):
    figures = [figure(size[0] - 14, size[1] - 12)] if min(size) > 20 else []
    found = found_in(draw(size, figures))
    matched(found, figures, within_px=0.2)
    assert ((found.xy >= 0) & (found.xy < size)).all()


@pytest.mark.parametrize(("across", "down"), [(True, False), (False, True), (True, True)])
@pytest.mark.parametrize("finer", [1, 2])
@pytest.mark.parametrize("members", [1, 2])
def test_a_figure_by_the_border_is_not_silenced_by_its_twin_in_the_filling(
    found_in, draw, fake_engine, across, down, finer, members
):
    # 100 px of a tile of 128: the figure is 6 px from the border, and so is its twin, a little more sure
    real, twin, other = 94, 106, 50
    xs, ys = ([real, twin] if across else [other]), ([real, twin] if down else [other])

    class Twins(fake_engine):
        def _found(self, tile):
            boxes, scores = np.zeros((self.top_k, 4), np.float32), np.zeros(self.top_k, np.float32)
            centres = sorted(((x, y) for x in xs for y in ys), key=lambda centre: twin not in centre)
            for place, (x, y) in enumerate(centres):
                boxes[place] = x - 16, y - 16, x + 16, y + 16
                scores[place] = 0.82 if twin in (x, y) else 0.80
            return boxes, scores

    size, mpp = (100 * finer, 100 * finer), Mpp(0.5 / finer, 0.5 / finer)
    found = found_in(draw(size), mpp=mpp, engines=[Twins() for _ in range(members)])
    assert found.xy.tolist() == [[xs[0] * finer, ys[0] * finer]]
    assert found.score == pytest.approx(0.80)


def test_what_is_placed_just_beyond_the_border_is_not_of_this_image(found_in, draw, figure, fake_engine):
    class Beyond(fake_engine):
        """Places figures 16 px too far to the right."""

        def _found(self, tile):
            boxes, scores = super()._found(tile)
            boxes[:, [0, 2]] += 16
            return boxes, scores

    assert len(found_in(draw((100, 60), [figure(86, 30)]), engines=[Beyond()])) == 0


def test_filling_up_mirrors_as_often_as_it_takes():
    pixels = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    filled = filled_up(pixels, 8)
    assert filled.shape == (8, 8, 3)
    assert (filled[:2, :3] == pixels).all()
    assert (filled[:2, 3:6] == pixels[:, ::-1]).all()
    assert (filled[2:4, :3] == pixels[::-1]).all()
    assert (filled[:2, 6:] == pixels[:, :2]).all()


@pytest.mark.parametrize("value", [0, 255])
def test_one_pixel_is_an_image(found_in, value):
    found = found_in(np.full((1, 1, 3), value, np.uint8))
    assert found.size == (1, 1)
    assert len(found) <= 1


def test_nothing_to_find_is_an_empty_result(found_in, draw):
    found = found_in(draw(SIZE))
    assert len(found) == len(found.figures) == len(found.candidates) == 0
    assert found.xy.shape == (0, 2) and found.box.shape == (0, 4)


@pytest.mark.parametrize(
    "mpp", [Mpp(0.25, 0.25), Mpp(0.12, 0.12), Mpp(0.23, 0.27), Mpp(0.25, 0.5), Mpp(0.8, 0.8), Mpp(0.5, 0.7)]
)
@pytest.mark.parametrize("size_um", [(160.3, 121.7), (44.7, 37.3)])
def test_an_image_of_another_scale_gets_its_places_in_its_own_frame(found_in, draw, spread_figures, mpp, size_um):
    coarse = spread_figures((round(size_um[0] / 0.5), round(size_um[1] / 0.5)))
    figures = [one._replace(x=one.x * 0.5 / mpp.x, y=one.y * 0.5 / mpp.y) for one in coarse]
    assert figures
    pixels = draw((round(size_um[0] / mpp.x), round(size_um[1] / mpp.y)), figures, mpp=mpp)
    found = found_in(pixels, mpp=mpp)
    matched(found, figures, within_px=1.0)
    side_um = (found.box[:, 2:] - found.box[:, :2]) * np.array(mpp)
    np.testing.assert_allclose(side_um, 16.0, rtol=0.03)


def test_an_image_within_the_tolerance_is_not_resampled(found_in, draw, figure, memory_image, monkeypatch):
    windows = []
    read = memory_image.read

    def recorded(self, x, y, width, height, *, out=None):
        windows.append((width, height, out))
        return read(self, x, y, width, height, out=out)

    monkeypatch.setattr(memory_image, "read", recorded)
    pixels = draw((200, 200), [figure(60, 60)])
    for mpp, tile in [(0.5, 128), (0.52, 128), (0.478, 128), (0.4, 160), (0.625, 102)]:
        windows.clear()
        found_in(pixels, mpp=Mpp(mpp, mpp))
        assert set(windows) == {(tile, tile, (128, 128))}, mpp


def test_views_and_their_order_change_nothing_for_an_engine_that_sees_all_of_them_alike(found_in, spread):
    _, pixels = spread
    plain = found_in(pixels)
    for views in ([5], list(range(8)), [3, 6, 1], [1, 3, 6]):
        same(found_in(pixels, views=views), plain, px=0.01)


def test_the_order_of_views_and_members_changes_no_bit(found_in, spread, fake_engine):
    class Half(fake_engine):
        """Another member: less sure of everything, blind to the faintest."""

        def _found(self, tile):
            boxes, scores = super()._found(tile)
            scores = np.where(scores > 0.6, scores / 2, 0).astype(np.float32)
            return boxes, scores

    def arrays(members, views):
        found = found_in(spread[1], engines=[member() for member in members], views=views)
        return [getattr(found, name).tobytes() for name in ("xy", "probability", "score", "box")]

    assert arrays([fake_engine, Half], [0, 3, 6]) == arrays([Half, fake_engine], [6, 0, 3])


def test_members_average_and_a_blind_one_counts_as_zero(found_in, draw, figure, fake_engine):
    class Blind(fake_engine):
        def _found(self, tile):
            boxes, scores = super()._found(tile)
            return boxes, scores * 0

    pixels = draw((128, 128), [figure(60, 60, 0.8)])
    alone = found_in(pixels)
    both = found_in(pixels, engines=[fake_engine(), Blind()])
    assert both.score == pytest.approx(alone.score / 2)


def test_every_tile_gets_every_member_and_view(found_in, draw, fake_engine):
    engines = [fake_engine(), fake_engine()]
    found_in(draw((200, 128)), engines=engines, views=[0, 4, 7])
    assert [engine.submitted for engine in engines] == [9, 9]


def test_the_first_n_views_are_taken_where_a_number_is_asked_for(loaded_bundle, fake_engine, memory_image, draw):
    engine = fake_engine()
    detector = Detector(loaded_bundle, Options(views=3), engines=[engine])
    _, record = detector.detect(memory_image(draw((128, 128)), HALF_UM))
    assert record.views == [0, 1, 2] and engine.submitted == 3


def test_two_runs_are_equal_to_the_bit(found_in, spread):
    one, other = found_in(spread[1]), found_in(spread[1])
    for name in ("xy", "probability", "score", "box"):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes()


def test_figures_split_at_the_threshold_and_candidates_go_down_to_the_reporting_threshold(found_in, draw, figure):
    pixels = draw((300, 128), [figure(40, 60, 0.9), figure(120, 60, 0.6), figure(200, 60, 0.45)])
    found = found_in(pixels, threshold=0.7, reporting_threshold=0.5)
    assert (len(found.figures), len(found.candidates)) == (1, 1)
    strict = found_in(pixels, threshold=0.7, reporting_threshold=0.5, options=Options(threshold=0.95))
    assert (len(strict.figures), len(strict.candidates)) == (0, 2)
    generous = found_in(pixels, threshold=0.7, reporting_threshold=0.5, options=Options(threshold=0.4))
    assert (len(generous.figures), len(generous.candidates)) == (3, 0)


def test_probabilities_are_calibrated_and_scores_stay_raw(found_in, draw, figure):
    pixels = draw((128, 128), [figure(60, 60, 0.8)])
    plain = found_in(pixels)
    assert plain.probability == pytest.approx(plain.score)
    calibrated = found_in(pixels, calibration={"slope": 1.0, "intercept": -1.0, "fitted_on": "nothing"})
    odds = plain.score / (1 - plain.score) * np.exp(-1)
    assert calibrated.probability == pytest.approx(odds / (1 + odds), rel=1e-5)
    assert calibrated.score == plain.score


def test_progress_counts_every_tile(loaded_bundle, fake_engine, memory_image, draw):
    heard = []
    detector = Detector(loaded_bundle, Options(), engines=[fake_engine()])
    _, record = detector.detect(memory_image(draw((200, 128)), HALF_UM), lambda *place: heard.append(place))
    assert heard == [(1, 3), (2, 3), (3, 3)]
    assert (record.tiles, record.crowded_passes, record.views, record.members) == (3, 0, [0], 1)
    assert record.engine == "fake on nowhere" and record.precision == "exact" and record.seconds["detect"] > 0


@pytest.mark.parametrize(
    ("top_k", "reporting_threshold", "crowded"),
    [
        (1, 0.5, 1),
        (1, 0.8, 1),  # what was left out may be as good as what was kept
        (5, 0.5, 1),
        (5, 0.8, 0),  # full, but the fifth box, the first of the paler figure, is less than is reported
        (100, 0.0, 0),  # room left: nothing was lost, whatever is reported
    ],
)
def test_a_list_that_is_full_of_candidates_is_said(
    with_facts, fake_engine, memory_image, draw, figure, caplog, top_k, reporting_threshold, crowded
):
    bundle = with_facts(reporting_threshold=reporting_threshold, threshold=0.8)
    detector = Detector(bundle, Options(), engines=[fake_engine(top_k=top_k)])
    _, record = detector.detect(memory_image(draw((128, 128), [figure(40, 40, 0.9), figure(90, 90, 0.6)]), HALF_UM))
    assert record.crowded_passes == crowded
    said = "drawn.tif: 1 pass(es) filled the network's list; candidates may be lost"
    assert caplog.record_tuples == [("algorithm.detector", logging.WARNING, said)] * crowded


def test_an_image_without_a_scale_is_refused(found_in, draw):
    with pytest.raises(ImageError, match=r"drawn.tif: no pixel size in the file; pass --mpp, as in --mpp 0.25"):
        found_in(draw((50, 50)), mpp=None)


def test_an_image_after_one_that_broke_off_is_not_mixed_with_it(
    loaded_bundle, fake_engine, memory_image, draw, spread_figures
):
    class Broken(memory_image):
        def _window(self, level, x, y, width, height):
            if y > 0:
                raise ImageError("drawn.tif: strip 2 of 2 is damaged")
            return super()._window(level, x, y, width, height)

    pixels = draw((128, 400), spread_figures((128, 400)))
    whole = memory_image(draw((300, 300), spread_figures((300, 300))), HALF_UM)
    fresh = Detector(loaded_bundle, Options(), engines=[fake_engine()]).detect(whole)[0]
    detector = Detector(loaded_bundle, Options(), engines=[fake_engine()])
    with pytest.raises(ImageError, match="is damaged"):
        detector.detect(Broken(pixels, HALF_UM))
    same(detector.detect(whole)[0], fresh)


def test_nothing_reads_on_in_an_image_whose_engine_failed(
    loaded_bundle, fake_engine, memory_image, draw, spread_figures
):
    class Slow(memory_image):
        def _window(self, level, x, y, width, height):
            Event().wait(0.05)  # reading ahead is still under way when the engine fails
            return super()._window(level, x, y, width, height)

    class Failing(type(fake_engine())):
        def result(self):
            super().result()
            raise EngineError("the device is lost")

    engine = fake_engine()
    engine.__class__ = Failing
    with pytest.raises(EngineError, match="the device is lost"):
        Detector(loaded_bundle, Options(), engines=[engine]).detect(Slow(draw((400, 400)), HALF_UM))
    assert not [thread.name for thread in enumerate_threads() if thread.name.startswith("reader")]


def test_more_members_than_there_are_is_refused(loaded_bundle):
    with pytest.raises(MitosisError, match=r"3 members asked for, the bundle in .*model has 2") as caught:
        Detector(loaded_bundle, Options(members=3))
    assert caught.value.exit_code == 2, "the bundle is not at fault"


def test_with_the_real_engine_figures_are_found_where_they_are(loaded_bundle, memory_image, spread):
    figures, pixels = spread
    detector = Detector(loaded_bundle, Options(precision="f32", threads=1))
    found, record = detector.detect(memory_image(pixels, HALF_UM))
    matched(found.chosen(found.probability > 0.2), figures, within_px=1.5)
    assert record.engine.startswith("openvino on ") and record.precision == "f32" and record.members == 2
