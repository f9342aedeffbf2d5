"""One quick pass, then a second look at the candidates: with an engine that finds drawn figures."""

import logging
from threading import enumerate as enumerate_threads

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from algorithm.budget import Budget
from algorithm.detector import Detector, Options
from algorithm.errors import EngineError, ImageError, MitosisError
from algorithm.frames import Mpp
from algorithm.fusion import Found
from algorithm.images import PartialImage
from algorithm.magnification import Magnification
from algorithm.screen import SecondLook

HALF_UM = Mpp(0.5, 0.5)
SIZE = (330, 271)
ONE_A_SHEET = {"from_score": 0.3, "again_score": 0.3, "cell_px": 96}
LOOK = {
    "mpp": HALF_UM,
    "chosen_views": [0, 1],
    "again_score": 0.3,
    "radius_um": 7.5,
}
SCREEN = {
    "ensemble": "screen",
    "screen": {"from_score": 0.3, "again_score": 0.3, "cell_px": 64},
}  # four cells on a tile of 128 px


@pytest.fixture(scope="module")
def run(fake_engine, memory_image, with_facts):
    """Return a function that gives the Detections and the record of pixels; options and facts by keyword."""

    def done(pixels, *, mpp=HALF_UM, engines=None, options=None, budget=None, progress=None, **facts):
        facts.setdefault("at_mpp", [None] * len(engines or [None]))
        bundle = with_facts(**(SCREEN | facts))
        detector = Detector(bundle, options or Options(), engines=engines or [fake_engine(bundle.facts.tile_px)])
        return detector.detect(memory_image(pixels, mpp), progress, budget)

    return done


@pytest.fixture
def spread(draw, spread_figures):
    figures = spread_figures(SIZE)
    return figures, draw(SIZE, figures)


def same(one, other, *, px=0.3, probability=1e-2):
    assert len(one) == len(other) > 0
    order = [np.lexsort((each.xy[:, 0].round(), each.xy[:, 1].round())) for each in (one, other)]
    np.testing.assert_allclose(one.xy[order[0]], other.xy[order[1]], atol=px)
    np.testing.assert_allclose(one.probability[order[0]], other.probability[order[1]], atol=probability)
    np.testing.assert_allclose(one.box[order[0]], other.box[order[1]], atol=px)


@pytest.mark.parametrize("views", [[0], [5], [0, 1, 2, 3], list(range(8))])
def test_an_engine_that_judges_cells_as_tiles_says_the_same_as_without_screening(run, spread, views):
    figures, pixels = spread
    screened, record = run(pixels, views=views)
    full, _ = run(pixels, views=views, options=Options(ensemble="full"))
    same(screened, full)
    assert len(screened) == len(figures)
    assert record.sheets == -(-len(figures) // 4) + -(-len(figures) * (len(views) - 1) // 4)
    assert record.passes == record.tiles + record.sheets and record.passes_given_up == 0
    assert record.settings["ensemble"] == "screen" and record.settings["screen"] == SCREEN["screen"]


@pytest.mark.parametrize("mpp", [Mpp(0.25, 0.25), Mpp(0.12, 0.12), Mpp(0.23, 0.27), Mpp(0.25, 0.5), Mpp(0.8, 0.7)])
@pytest.mark.parametrize("size_um", [(160.3, 121.7), (44.7, 37.3), (31.3, 90.2), (30.2, 22.9)])
def test_places_stay_where_they_are_at_every_scale_and_in_small_images(run, draw, spread_figures, mpp, size_um):
    coarse = spread_figures((round(size_um[0] / 0.5), round(size_um[1] / 0.5)))
    figures = [one._replace(x=one.x * 0.5 / mpp.x, y=one.y * 0.5 / mpp.y) for one in coarse]
    assert figures
    pixels = draw((round(size_um[0] / mpp.x), round(size_um[1] / mpp.y)), figures, mpp=mpp)
    found, _ = run(pixels, mpp=mpp, views=[0, 3, 6], tile_px=256)
    wanted = np.array([(figure.x, figure.y) for figure in figures])
    assert len(found) == len(figures)
    assert np.linalg.norm(found.xy[:, None] - wanted[None], axis=2).min(axis=0).max() <= 1.0
    np.testing.assert_allclose((found.box[:, 2:] - found.box[:, :2]) * np.array(mpp), 16.0, rtol=0.03)


@settings(max_examples=25)
@given(st.integers(12, 318), st.integers(12, 259))
def test_a_figure_anywhere_is_found_once_where_it_is(run, draw, figure, x, y):
    found, record = run(draw(SIZE, [figure(x, y)]), views=[2, 7])
    assert found.xy.tolist() == [pytest.approx((x, y), abs=0.15)]
    assert record.sheets == 1


def test_figures_cut_by_the_border_keep_their_own_scores_and_places(run, draw, figure):
    dark, pale = figure(327, 60, 0.9), figure(3, 200, 0.6)  # far apart, but side by side on a sheet
    pixels = draw(SIZE, [dark, pale])
    for views in ([0], [0, 1, 2, 3]):
        screened, full = run(pixels, views=views)[0], run(pixels, views=views, options=Options(ensemble="full"))[0]
        same(screened, full, px=1.5)


@pytest.mark.parametrize("size", [(40, 40), (100, 30), (64, 127)])
def test_what_fills_a_cell_is_not_taken_for_the_candidate(run, draw, figure, size):
    x, y = size[0] - 10, size[1] - 10
    found, _ = run(draw(size, [figure(x, y)]), views=[0, 1, 4])
    assert found.xy.tolist() == [pytest.approx((x, y), abs=0.3)]


def test_tissue_without_candidates_costs_one_pass_of_the_first_member(run, draw, fake_engine):
    engines = [fake_engine(), fake_engine()]
    found, record = run(draw((200, 128)), engines=engines, views=[0, 1, 2, 3])
    assert len(found) == 0
    assert [engine.submitted for engine in engines] == [3, 0]
    assert (record.tiles, record.sheets, record.passes, record.passes_given_up) == (3, 0, 3, 0)


def test_every_member_looks_at_every_sheet(run, draw, figure, fake_engine):
    engines = [fake_engine(), fake_engine()]
    pixels = draw((200, 128), [figure(40, 60), figure(100, 60), figure(160, 60)])
    _, record = run(pixels, engines=engines, views=[0, 1, 2, 3])
    assert [engine.submitted for engine in engines] == [3 + 4, 4]  # 3 looks, then 3 x 3; four on a sheet
    assert record.passes == 11


def test_members_average_and_a_blind_one_counts_as_zero(run, draw, figure, fake_engine):
    class Blind(fake_engine):
        def _found(self, tile):
            boxes, scores = super()._found(tile)
            return boxes, scores * 0

    pixels = draw((128, 128), [figure(60, 60, 0.8)])
    alone, _ = run(pixels)
    both, _ = run(pixels, engines=[fake_engine(), Blind()])
    assert both.score == pytest.approx(alone.score / 2)
    none, record = run(pixels, engines=[Blind(), fake_engine()])
    assert len(none) == 0 and record.sheets == 0, "what the first member does not see, nobody looks at"


@pytest.fixture
def doubtful(fake_engine):
    """Return an engine that has doubts on sheets, which come after the one tile: half as sure of what is dark, and
    of the pale it keeps a part."""

    class Doubtful(fake_engine):
        def __init__(self, pale):
            super().__init__()
            self.tiles, self.pale = 0, pale

        def _found(self, tile):
            boxes, scores = super()._found(tile)
            self.tiles += 1
            if self.tiles > 1:
                scores = np.where(scores > 0.7, scores / 2, scores * self.pale).astype(np.float32)
            return boxes, scores

    return Doubtful


def test_the_second_look_decides_and_what_it_does_not_see_is_gone(run, draw, figure, doubtful):
    pixels = draw((128, 128), [figure(30, 60, 0.9), figure(95, 60, 0.6)])
    found, _ = run(pixels, engines=[doubtful(pale=0)])
    assert found.xy.tolist() == [pytest.approx((30, 60), abs=0.1)]
    assert found.score == pytest.approx(0.45, abs=0.01)


def test_what_no_longer_looks_like_a_figure_in_the_first_view_is_not_shown_in_the_others(run, draw, figure, doubtful):
    pixels = draw((128, 128), [figure(30, 60, 0.9), figure(95, 60, 0.6)])
    found, record = run(pixels, engines=[doubtful(pale=1 / 3)], views=[0, 1, 2, 3, 4])
    assert found.score.tolist() == [pytest.approx(0.45, abs=0.01), pytest.approx(0.2, abs=0.01)]
    assert record.sheets == 1 + 1  # both once, then the dark one in four views


def test_all_views_of_few_candidates_go_on_one_sheet(run, draw, figure):
    for number, views, sheets in ((1, 4, 1), (2, 2, 1), (2, 3, 1 + 1), (4, 1, 1), (3, 2, 1 + 1)):
        pixels = draw((128, 128), [figure(20 + 40 * (n % 3), 30 + 60 * (n // 3)) for n in range(number)])
        _, record = run(pixels, views=list(range(views)))
        assert record.sheets == sheets, (number, views)


def test_only_candidates_from_the_bundles_score_on_are_looked_at(run, draw, figure):
    pixels = draw((300, 128), [figure(40, 60, 0.9), figure(120, 60, 0.7), figure(200, 60, 0.5)])
    for from_score, number in ((0.3, 3), (0.6, 2), (0.8, 1)):
        found, record = run(pixels, screen={"from_score": from_score, "again_score": 0.3, "cell_px": 64})
        assert (len(found), record.sheets) == (number, 1)


def test_a_neighbour_in_the_same_cell_lends_nothing(run, draw, figure):
    pale, dark = figure(60, 60, 0.6), figure(77, 60, 0.9)  # 8.5 um apart: two figures
    found, _ = run(draw((128, 128), [pale, dark]), views=[0, 1, 2, 3])
    assert found.score.tolist() == [pytest.approx(0.9, abs=0.02), pytest.approx(0.6, abs=0.02)]


def test_two_runs_are_equal_to_the_bit(run, spread):
    one, other = (run(spread[1], views=[0, 3])[0] for _ in range(2))
    for name in ("xy", "probability", "score", "box"):
        assert getattr(one, name).tobytes() == getattr(other, name).tobytes()


def test_progress_counts_tiles_and_then_sheets(run, draw, figure):
    heard = []
    run(draw((200, 128), [figure(60, 60)]), views=[0, 1, 2, 3, 4], progress=lambda *place: heard.append(place))
    assert heard == [(1, 3), (2, 3), (3, 3), (4, 4), (5, 5)]


def test_where_the_time_is_up_the_rest_keeps_the_score_of_the_first_look(run, draw, figure, fake_engine, caplog):
    class Slow(fake_engine):
        """A tile takes no time, a sheet 10 s; in sheets it is half as sure."""

        def _found(self, tile):
            boxes, scores = super()._found(tile)
            if clock.tiles:
                clock.tiles -= 1
                return boxes, scores
            clock.now += 10
            return boxes, scores / 2

    class Clock:
        now, tiles = 0.0, 4

        def __call__(self):
            return self.now

    clock = Clock()
    caplog.set_level(logging.WARNING)
    darkness = (0.9, 0.85, 0.8, 0.75, 0.7)
    pixels = draw((300, 128), [figure(30 + 55 * n, 60, dark) for n, dark in enumerate(darkness)])
    budget = Budget(15, clock=clock)  # two sheets are under way before the first is done
    found, record = run(pixels, engines=[Slow()], views=[0], budget=budget, tile_px=128, screen=ONE_A_SHEET)
    halved = [dark / 2 for dark in darkness[:4]]
    assert sorted(found.score.tolist()) == [pytest.approx(score, abs=0.01) for score in (*reversed(halved), 0.7)]
    assert (record.tiles, record.sheets, record.passes, record.passes_given_up) == (4, 4, 8, 1)
    assert [one.message.partition(":")[2] for one in caplog.records] == [
        " 15 s are too short: 1 sheet(s) are not looked at; from here on 0 member(s), 0 view(s)"
    ]


def test_a_candidate_whose_cell_cannot_be_read_keeps_the_score_of_the_first_look(
    with_facts, fake_engine, memory_image, draw, figure
):
    class Damaged(memory_image):
        """Whole tiles can be read, cells only on the left."""

        def _window(self, level, x, y, width, height):
            if width < 128 and x + width > 100:
                raise ImageError("drawn.tif: a tile is damaged")
            return super()._window(level, x, y, width, height)

    class Doubtful(fake_engine):
        def _found(self, tile):
            boxes, scores = super()._found(tile)
            return boxes, scores / 2 if self.submitted > 1 else scores

    image = Damaged(draw((128, 128), [figure(30, 60, 0.8), figure(100, 60, 0.7)]), HALF_UM)
    found, record = Detector(with_facts(**SCREEN), Options(), engines=[Doubtful()]).detect(PartialImage(image))
    assert found.score.tolist() == [pytest.approx(0.7, abs=0.01), pytest.approx(0.4, abs=0.01)]
    assert (record.sheets, record.passes_given_up) == (1, 0)


@pytest.fixture
def at_half_um(with_facts):
    return [Magnification([], with_facts(**SCREEN).facts)]


def test_cells_are_read_as_they_lie_in_the_file_by_the_thousand(monkeypatch, at_half_um):
    monkeypatch.setattr("algorithm.screen.TOGETHER", 4)
    rng = np.random.default_rng(5)
    xy = rng.uniform(100, 900, (10, 2))
    candidates = Found(xy, np.linspace(0.9, 0.4, 10), np.zeros((10, 4), np.float32))
    look = SecondLook(candidates, size=(1000, 1000), magnifications=at_half_um, **LOOK)
    read = []
    (first, _) = look.rounds()
    for _ in first.sheets(lambda shown, scale: read.append(shown) or np.zeros((64, 64, 3), np.uint8)):
        pass
    places = [(shown.y, shown.x) for shown in read]
    wanted = [(round(y - 32), round(x - 32)) for x, y in xy.tolist()]
    assert places == [*sorted(wanted[:4]), *sorted(wanted[4:8]), *sorted(wanted[8:])]


@pytest.fixture
def slow(fake_engine):
    """Return a clock, and engines that take a second of it for each pass."""

    class Slow(fake_engine):
        def _found(self, tile):
            clock.now += 1
            return super()._found(tile)

    class Clock:
        now = 0.0

        def __call__(self):
            return self.now

    clock = Clock()
    return clock, Slow


def test_members_that_were_given_up_are_not_taken_up_in_the_next_round(run, draw, figure, slow, caplog):
    clock, slow_engine = slow
    caplog.set_level(logging.WARNING)
    figures = [figure(20 + 30 * (n % 20), 30 + 34 * (n // 20), 0.9) for n in range(100)]
    engines = [slow_engine() for _ in range(3)]
    _, record = run(draw((630, 220), figures), engines=engines, views=[0, 1, 2, 3], budget=Budget(110, clock=clock))
    assert clock.now <= 112  # two sheets are under way
    assert record.passes + record.passes_given_up == record.tiles + 3 * (25 + 75)
    steps = [one.message.partition("on ")[2] for one in caplog.records]
    assert steps == sorted(steps, reverse=True) and len(set(steps)) == len(steps)


def test_nothing_reads_on_where_the_engine_fails_in_the_second_look(run, draw, figure, fake_engine):
    class Failing(fake_engine):
        def result(self):
            raw = super().result()
            if self.submitted > 10:
                raise EngineError("the device is lost")
            return raw

    figures = [figure(20 + 30 * n, 60) for n in range(20)]  # when the first sheet fails, cells are still to be read
    with pytest.raises(EngineError, match="the device is lost"):
        run(draw((640, 128), figures), engines=[Failing()])
    assert not [thread.name for thread in enumerate_threads() if thread.name.startswith("reader")]


def test_no_candidates_are_no_sheets(at_half_um):
    nothing = Found.joined([])
    look = SecondLook(nothing, size=(50, 50), magnifications=at_half_um, **LOOK)
    assert [(len(part), list(part.sheets(lambda window, scale: None))) for part in look.rounds()] == [(0, [])]
    assert len(look.found()) == 0


def test_a_bundle_that_cannot_screen_says_so(loaded_bundle, fake_engine):
    with pytest.raises(MitosisError, match=r"model has no settings for the ensemble `screen`; use `full`") as caught:
        Detector(loaded_bundle, Options(ensemble="screen"), engines=[fake_engine()])
    assert caught.value.exit_code == 2, "the bundle is not at fault"


FINE = {"tile_px": 256, "at_mpp": [0.5, 0.25], "screen": {"from_score": 0.3, "again_score": 0.3, "cell_px": 64}}


@pytest.fixture
def engine_at(fake_engine):
    """Return a function that gives an engine at a scale, um/px, with its boxes of 16 um."""
    return lambda mpp, kind=fake_engine: kind(256, box_px=16 / mpp)


@pytest.mark.parametrize("views", [[0], [0, 1, 2, 3], [5, 6]])
@pytest.mark.parametrize(("fine", "slots_of_fine"), [(0.25, 4), (0.38, 9)])  # cells of 128 px; of 84, and a rest
@pytest.mark.parametrize("mpp", [HALF_UM, Mpp(0.25, 0.25), Mpp(0.3, 0.28)])
def test_members_of_two_scales_say_together_what_each_would_say(
    run, draw, spread_figures, engine_at, mpp, fine, slots_of_fine, views
):
    coarse = spread_figures(SIZE)
    figures = [one._replace(x=one.x * 0.5 / mpp.x, y=one.y * 0.5 / mpp.y) for one in coarse]
    pixels = draw((round(SIZE[0] * 0.5 / mpp.x), round(SIZE[1] * 0.5 / mpp.y)), figures, mpp=mpp)
    engines = [engine_at(0.5), engine_at(fine)]
    found, record = run(pixels, mpp=mpp, engines=engines, views=views, **(FINE | {"at_mpp": [None, fine]}))
    wanted = np.array([(figure.x, figure.y) for figure in figures])
    assert len(found) == len(figures)
    assert np.linalg.norm(found.xy[:, None] - wanted[None], axis=2).min(axis=0).max() <= 1.0
    np.testing.assert_allclose((found.box[:, 2:] - found.box[:, :2]) * np.array(mpp), 16.0, rtol=0.03)
    sheets = [sum(-(-len(figures) * n // slots) for n in (1, len(views) - 1)) for slots in (16, slots_of_fine)]
    assert [one.submitted for one in engines] == [record.tiles + sheets[0], sheets[1]]
    assert record.sheets == sum(sheets)
    assert record.settings["working_mpp_of_members"] == [0.5, fine]
    alone, _ = run(pixels, mpp=mpp, engines=[engine_at(0.5)], views=views, **(FINE | {"at_mpp": [None]}))
    nearest = np.linalg.norm(found.xy[:, None] - alone.xy[None], axis=2).argmin(axis=1)
    np.testing.assert_allclose(found.probability, alone.probability[nearest], atol=0.03)


def test_each_member_counts_the_same_whatever_its_scale(run, draw, figure, fake_engine, engine_at):
    class Blind(fake_engine):
        def _found(self, tile):
            boxes, scores = super()._found(tile)
            return boxes, scores * 0

    engines = [engine_at(0.5), engine_at(0.25, Blind), engine_at(0.5)]
    found, _ = run(draw((128, 128), [figure(60, 60, 0.8)]), engines=engines, **(FINE | {"at_mpp": [0.5, 0.25, 0.5]}))
    assert found.score == pytest.approx(0.8 * 2 / 3, abs=0.01)


def test_few_candidates_are_shown_in_all_views_at_once_where_one_sheet_of_each_scale_holds_them(
    run, draw, figure, engine_at
):
    for number, views, sheets in ((2, 2, 1 + 1), (2, 3, (1 + 1) + (1 + 1)), (3, 3, (1 + 1) + (1 + 2))):
        pixels = draw((200, 200), [figure(40 + 50 * n, 60) for n in range(number)])
        _, record = run(pixels, engines=[engine_at(0.5), engine_at(0.25)], views=list(range(views)), **FINE)
        assert record.sheets == sheets, (number, views)


def test_members_of_other_scales_are_not_taken_up_where_the_time_took_those_before(run, draw, figure, slow, caplog):
    clock, slow_engine = slow
    caplog.set_level(logging.WARNING)
    figures = [figure(20 + 30 * (n % 20), 30 + 34 * (n // 20), 0.9) for n in range(100)]
    engines = [slow_engine(256), slow_engine(256), slow_engine(256, box_px=64)]
    facts = FINE | {"at_mpp": [0.5, 0.5, 0.25]}
    found, record = run(draw((630, 220), figures), engines=engines, budget=Budget(14, clock=clock), **facts)
    assert clock.now <= 16 and len(found) == 100
    assert engines[1].submitted < 7 and engines[2].submitted == 0
    assert record.passes + record.passes_given_up == record.tiles + 2 * 7 + 25


def test_all_tiles_are_not_shown_to_members_of_several_scales(with_facts, engine_at):
    bundle = with_facts(**(SCREEN | FINE))
    with pytest.raises(
        MitosisError, match=r"several scales, which `full` does not bring together; use `screen`, or the first 1 mem"
    ):
        Detector(bundle, Options(ensemble="full"), engines=[engine_at(0.5), engine_at(0.25)])
    Detector(bundle, Options(ensemble="full", members=1), engines=[engine_at(0.5)])
    with pytest.raises(ValueError, match="2 engines for 1 members"):
        Detector(with_facts(at_mpp=[None]), Options(), engines=[engine_at(0.5), engine_at(0.5)])
