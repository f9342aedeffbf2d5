import numpy as np
import pytest

from training.evaluation.bootstrap import f1_interval


@pytest.fixture
def slide(predicted):
    """Return a function that makes a slide with so many hits, misses and false figures."""

    def made(name: str, hits: int, misses: int = 0, false: int = 0):
        places = np.arange(hits + misses + false) * 100.0
        found = [*places[:hits], *places[hits + misses :]]
        return predicted(places[: hits + misses], found, slide=name, name=f"{name}_1")

    return made


def test_slides_that_are_alike_leave_nothing_open(slide):
    assert f1_interval([slide(name, 2, 1, 1) for name in "abc"], 0.5) == pytest.approx([2 / 3, 2 / 3])


def test_two_slides_give_the_three_draws_there_are(slide):
    """Drawn are aa, ab, ba and bb: F1 1, 2/3 (of 2 hits, 2 misses in sum) and 0."""
    low, high = f1_interval([slide("a", 2), slide("b", 0, 2)], 0.5)
    assert (low, high) == (0, 1)


def test_interval_holds_the_score_and_narrows_with_more_slides(slide):
    rng = np.random.default_rng(3)

    def of(count: int) -> tuple[float, float]:
        return f1_interval([slide(f"s{n}", *rng.integers(1, 6, 3)) for n in range(count)], 0.5)

    few, many = of(5), of(80)
    assert few[0] < 0.6 < few[1]
    assert many[1] - many[0] < 0.5 * (few[1] - few[0])


def test_images_of_a_slide_are_drawn_together(slide):
    """Two images that err in opposite ways are one slide without spread, and two slides with it."""
    one, other = slide("a", 4), slide("a", 0, 4)
    assert f1_interval([one, other, slide("b", 4), slide("b", 0, 4)], 0.5) == pytest.approx([2 / 3, 2 / 3])


def test_one_slide_has_no_interval(slide):
    assert f1_interval([slide("a", 3), slide("a", 1)], 0.5) is None
    assert f1_interval([], 0.5) is None


def test_the_same_data_give_the_same_interval(slide):
    slides = [slide("a", 3, 1, 2), slide("b", 1, 4, 0), slide("c", 5, 0, 3)]
    assert f1_interval(slides, 0.5) == f1_interval(slides, 0.5)


def test_slides_without_anything_are_no_error(slide):
    assert f1_interval([slide("a", 0), slide("b", 0)], 0.5) == [0, 0]
