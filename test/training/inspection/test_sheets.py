import numpy as np
import pytest

from training.inspection.sheets import (
    CAPTION_SIZE,
    COLOUR,
    COLUMNS,
    CROP_PX,
    GAP_PX,
    MARGIN_PX,
    MOST_ROWS,
    TITLE_PX,
    Cell,
    Mark,
    _font,
    draw_sheets,
    shortened,
)

STROMA = (225, 170, 200)


def cell(section="", group="", marks=(), caption=("slide", "image", "x 1, y 2")) -> Cell:
    return Cell(np.full((CROP_PX, CROP_PX, 3), STROMA, np.uint8), tuple(marks), caption, section, group)


def test_no_cell_is_no_sheet():
    assert draw_sheets("title", "subtitle", []) == []


@pytest.mark.parametrize(
    ("cells", "sheets"), [(1, 1), (COLUMNS * MOST_ROWS, 1), (COLUMNS * MOST_ROWS + 1, 2), (3 * COLUMNS * MOST_ROWS, 3)]
)
def test_cells_fill_one_sheet_after_the_other(cells, sheets):
    drawn = draw_sheets("title", "subtitle", [cell()] * cells)
    assert len(drawn) == sheets
    shown = sum((np.asarray(sheet) == STROMA).all(axis=2).sum() for sheet in drawn)
    assert shown == cells * CROP_PX**2  # all of them, none over another


def test_a_section_begins_a_row_of_its_own():
    one = draw_sheets("title", "subtitle", [cell("a"), cell("a")])[0]
    two = draw_sheets("title", "subtitle", [cell("a"), cell("b")])[0]
    assert two.height > one.height + CROP_PX


def test_a_section_that_goes_on_is_named_on_each_sheet():
    with_heading = draw_sheets("t", "s", [cell("a")] * (2 * COLUMNS * MOST_ROWS + 1))
    without = draw_sheets("t", "s", [cell()] * (2 * COLUMNS * MOST_ROWS + 1))
    assert {a.height - b.height for a, b in zip(with_heading, without, strict=True)} == {34}


def test_boxes_have_the_colour_of_their_label_and_the_main_one_lies_on_top():
    marks = [Mark(90, 90, (20, 20), "MF", main=True), Mark(110, 90, (20, 20), "NMF", main=False)]
    crop = np.asarray(draw_sheets("t", "s", [cell(marks=marks)])[0])[MARGIN_PX + TITLE_PX :, MARGIN_PX:][:CROP_PX]
    assert tuple(crop[90, 70]) == COLOUR["MF"]
    assert tuple(crop[90, 130]) == COLOUR["NMF"]
    assert tuple(crop[70, 100]) == COLOUR["MF"]  # where both are
    assert tuple(crop[90, 69]) == tuple(crop[90, 72]) == (20, 20, 20)  # the dark rim


def test_a_box_beyond_its_crop_does_not_reach_the_next():
    drawn = draw_sheets("t", "s", [cell(marks=[Mark(CROP_PX - 2, 60, (30, 30), "NMF", main=True)]), cell()])
    sheet = np.asarray(drawn[0])[MARGIN_PX + TITLE_PX :][:CROP_PX, MARGIN_PX + CROP_PX :]
    assert (sheet[:, :GAP_PX] == 255).all()
    assert (sheet[:, GAP_PX : GAP_PX + CROP_PX] == STROMA).all()


def test_slides_that_follow_one_another_differ_in_shade():
    drawn = np.asarray(draw_sheets("t", "s", [cell(group="a"), cell(group="a"), cell(group="b")])[0])
    below = drawn[MARGIN_PX + TITLE_PX + CROP_PX + 1]
    starts = [MARGIN_PX + n * (CROP_PX + GAP_PX) + 2 for n in range(3)]
    assert [tuple(below[x]) == (255, 255, 255) for x in starts] == [True, True, False]


@pytest.mark.parametrize("text", ["", "short", "x" * 300, "slide_0123456789_region_0123456789_x10240_y20480"])
def test_text_is_shortened_to_its_room_at_neither_end(text):
    short = shortened(text, 180, CAPTION_SIZE)
    assert _font(CAPTION_SIZE).getlength(short) <= 180
    assert short == text or ("..." in short and text.startswith(short[:3]) and text.endswith(short[-6:]))
