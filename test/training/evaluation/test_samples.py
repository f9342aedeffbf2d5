import io

import numpy as np
import PIL.Image
import pytest

from training.evaluation.calibration import matches
from training.evaluation.samples import COLUMNS, ROWS, cases, samples

CYAN, WHITE, YELLOW = (0, 229, 255), (255, 255, 255), (255, 230, 0)


def places(shown: dict) -> dict[str, list]:
    return {
        name: [(c.image, c.x_um, None if c.score is None else round(c.score, 3)) for c in of_row]
        for name, of_row in shown.items()
    }


def test_detection_is_the_nearest_free_figure_and_the_best_chooses_first(predicted):
    image = predicted([10, 18], [13, 14, 60], [0.5, 0.9, 0.7])
    assert matches(image).tolist() == [1, 0, -1]


def test_each_case_stands_where_it_belongs_the_most_telling_first(predicted):
    images = [
        predicted([10, 100, 200], [11, 101, 300, 400], [0.9, 0.3, 0.8, 0.6]),
        predicted([10, 50], [12, 90], [0.7, 0.95], name="other"),
    ]
    assert places(cases(images, 0.5)) == {
        "surest hits": [(0, 11, 0.9)],
        "least sure hits": [(1, 12, 0.7)],
        "misses": [(0, 200, None), (1, 50, None), (0, 100, 0.3)],
        "surest false alarms": [(1, 90, 0.95), (0, 300, 0.8), (0, 400, 0.6)],
    }  # fmt: skip


def test_no_hit_is_shown_twice_and_no_row_is_too_long(predicted):
    xs = np.arange(40) * 30.0
    shown = cases([predicted(xs, xs, np.linspace(0.5, 0.9, 40))], 0.1)
    hits = [case.x_um for name in ROWS[:2] for case in shown[name]]
    assert len(hits) == len(set(hits)) == 2 * COLUMNS
    assert [case.score for case in shown["surest hits"]] == sorted(
        (c.score for c in shown["surest hits"]), reverse=True
    )
    three = cases([predicted(xs[:3], xs[:3], [0.7, 0.8, 0.9])], 0.1)
    assert [len(three[name]) for name in ROWS] == [2, 1, 0, 0]


def test_nothing_predicted_is_no_case(predicted):
    assert cases([], 0.5) == {name: [] for name in ROWS}
    assert cases([predicted([], [])], 0.5) == {name: [] for name in ROWS}


@pytest.fixture
def shown():
    def colours(content: bytes) -> np.ndarray:
        return np.asarray(PIL.Image.open(io.BytesIO(content)).convert("RGB"))

    return colours


def count(pixels: np.ndarray, colour: tuple[int, int, int]) -> int:
    return int((np.abs(pixels[:700].astype(int) - colour).max(axis=2) <= 12).sum())  # the legend is below


def test_picture_has_figures_and_what_was_found_in_their_colours(drawn, indexed, predicted, shown):
    # mpp 0.25: a place at 40 px is at 10 um; the cell at (4, 4) lies on the edge of the image
    image = indexed(drawn("H01_a", (400, 300), [(100, 200), (4, 200)]))
    found = predicted([25, 1], [25.5, 60], [0.9, 0.8])
    pixels = shown(samples([image], [found], threshold=0.5, title="drawn"))
    assert count(pixels, CYAN) > 100
    assert count(pixels, YELLOW) > 100
    none = shown(samples([image], [predicted([25, 1], [25.5], [0.1])], threshold=0.5, title="drawn"))
    assert count(none, YELLOW) == 0
    assert count(none, CYAN) > 100


def test_nothing_to_show_is_a_picture(shown):
    pixels = shown(samples([], [], threshold=0.5, title="empty"))
    assert count(pixels, CYAN) == count(pixels, YELLOW) == 0
