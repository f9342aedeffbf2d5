"""Contact sheets: crops with captions -> pictures that a person looks through. Opens no file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO

import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from algorithm.images import Pixels
from algorithm.writers.overlay import CANDIDATE_RGB, DARK_RGB, FIGURE_RGB
from training.index import Label

CROP_PX = 192  # side of a crop on the sheet
COLUMNS, MOST_ROWS = 8, 8  # a sheet of 8 x 8 is read on one screen at half its size
GAP_PX, MARGIN_PX = 8, 20
LINE_PX = 17  # from one line of a caption to the next
HEADING_PX, TITLE_PX = 34, 62
COLOUR = {"MF": FIGURE_RGB, "NMF": CANDIDATE_RGB}  # nothing in an H&E stain is either
PAPER, SHADE, INK, FAINT = (255, 255, 255), (236, 239, 243), (24, 28, 34), (96, 104, 114)
TITLE_SIZE, HEADING_SIZE, CAPTION_SIZE = 22, 16, 13
RIM_PX = 1  # dark, on both sides of a line: it shows on any tissue


@dataclass(frozen=True)
class Mark:
    """A box to draw: middle and half sides, px of the crop. main: the cell that the crop is of."""

    x: float
    y: float
    half: tuple[float, float]
    label: Label
    main: bool


@dataclass(frozen=True)
class Cell:
    """One crop, (CROP_PX, CROP_PX, 3) uint8, its boxes and the lines below it.

    section: cells of one stand below a heading. group: neighbours of one have captions of one shade.
    """

    pixels: Pixels
    marks: tuple[Mark, ...]
    caption: tuple[str, ...]
    section: str = ""
    group: str = ""


Row = str | list[tuple[Cell, bool]]  # a heading, or cells with whether their captions are shaded


def draw_sheets(title: str, subtitle: str, cells: Sequence[Cell]) -> list[PIL.Image.Image]:
    """Return as many sheets as the cells need, in their order; none for no cell."""
    pages = list(_pages(list(_rows(cells))))
    lines = max((len(cell.caption) for cell in cells), default=0)
    numbered = [f"{title}, sheet {n} of {len(pages)}" if len(pages) > 1 else title for n in range(1, len(pages) + 1)]
    return [_sheet(name, subtitle, rows, lines) for name, rows in zip(numbered, pages, strict=True)]


def _rows(cells: Sequence[Cell]) -> Iterator[Row]:
    """Yield headings and full rows; each section begins a row, each group another shade."""
    row: list[tuple[Cell, bool]] = []
    before, shaded = None, False
    for cell in cells:
        if before is not None and (cell.section, cell.group) != (before.section, before.group):
            shaded = not shaded
        new_section = before is None or cell.section != before.section
        if row and (new_section or len(row) == COLUMNS):
            yield row
            row = []
        if new_section and cell.section:
            yield cell.section
        row.append((cell, shaded))
        before = cell
    if row:
        yield row


def _pages(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Yield the rows of each sheet; a heading stays with its cells, and is repeated where they go on."""
    page: list[Row] = []
    heading, due, cell_rows = "", False, 0
    for row in rows:
        if isinstance(row, str):
            heading, due = row, True
            continue
        if cell_rows == MOST_ROWS:
            yield page
            page, cell_rows = [], 0
            if heading and not due:
                page.append(f"{heading} (continued)")
        if due:
            page.append(heading)
            due = False
        page.append(row)
        cell_rows += 1
    if page:
        yield page


def _sheet(title: str, subtitle: str, rows: Sequence[Row], lines: int) -> PIL.Image.Image:
    cell_height = CROP_PX + lines * LINE_PX + GAP_PX + 6
    heights = [HEADING_PX if isinstance(row, str) else cell_height for row in rows]
    most = max(len(row) for row in rows if not isinstance(row, str))
    columns = min(COLUMNS, max(4, most))  # the title needs some width
    width = 2 * MARGIN_PX + columns * (CROP_PX + GAP_PX) - GAP_PX
    sheet = PIL.Image.new("RGB", (width, MARGIN_PX + TITLE_PX + sum(heights) + MARGIN_PX - GAP_PX), PAPER)
    pen = PIL.ImageDraw.Draw(sheet)
    room = width - 2 * MARGIN_PX
    pen.text((MARGIN_PX, MARGIN_PX - 4), shortened(title, room, TITLE_SIZE), INK, _font(TITLE_SIZE))
    pen.text((MARGIN_PX, MARGIN_PX + 27), shortened(subtitle, room, CAPTION_SIZE), FAINT, _font(CAPTION_SIZE))
    top = MARGIN_PX + TITLE_PX
    for row, height in zip(rows, heights, strict=True):
        if isinstance(row, str):
            pen.text((MARGIN_PX, top + 6), shortened(row, room, HEADING_SIZE), INK, _font(HEADING_SIZE))
            pen.line((MARGIN_PX, top + HEADING_PX - 6, width - MARGIN_PX, top + HEADING_PX - 6), SHADE, 2)
        else:
            for column, (cell, shaded) in enumerate(row):
                _cell(sheet, (MARGIN_PX + column * (CROP_PX + GAP_PX), top), cell, shaded=shaded, lines=lines)
        top += height
    return sheet


def _cell(sheet: PIL.Image.Image, corner: tuple[int, int], cell: Cell, *, shaded: bool, lines: int) -> None:
    crop = PIL.Image.fromarray(cell.pixels)
    for mark in sorted(cell.marks, key=lambda one: one.main):  # the main one last: over the others
        _box(crop, mark)
    sheet.paste(crop, corner)
    pen = PIL.ImageDraw.Draw(sheet)
    left, top = corner[0], corner[1] + CROP_PX
    if shaded:
        pen.rectangle((left, top, left + CROP_PX - 1, top + lines * LINE_PX + 5), SHADE)
    for number, line in enumerate(cell.caption):
        text = shortened(line, CROP_PX - 8, CAPTION_SIZE)
        pen.text((left + 4, top + 3 + number * LINE_PX), text, FAINT if number else INK, _font(CAPTION_SIZE))


def _box(crop: PIL.Image.Image, mark: Mark) -> None:
    """Draw a box with a dark rim; a thick one around the cell that the crop is of."""
    pen = PIL.ImageDraw.Draw(crop)
    line = 2 if mark.main else 1
    left, top = round(mark.x - mark.half[0]), round(mark.y - mark.half[1])
    right, bottom = round(mark.x + mark.half[0]), round(mark.y + mark.half[1])
    outer = (left - RIM_PX, top - RIM_PX, right + RIM_PX, bottom + RIM_PX)
    pen.rectangle(outer, outline=DARK_RGB, width=line + 2 * RIM_PX)
    pen.rectangle((left, top, right, bottom), outline=COLOUR[mark.label], width=line)


def png(picture: PIL.Image.Image) -> bytes:
    """Return the picture as the bytes of a PNG."""
    content = BytesIO()
    picture.save(content, "PNG")
    return content.getvalue()


def shortened(text: str, width_px: int, size: int) -> str:
    """Return the text, its middle left out where it is too wide: names differ at their ends."""
    font = _font(size)
    if font.getlength(text) <= width_px:
        return text
    for kept in range(len(text) - 1, 1, -1):
        tail = (2 * kept) // 3  # the place within a slide stands at the end
        short = f"{text[: kept - tail]}...{text[len(text) - tail :]}"
        if font.getlength(short) <= width_px:
            return short
    return "..."


@lru_cache(maxsize=4)
def _font(size: int) -> PIL.ImageFont.FreeTypeFont:
    return PIL.ImageFont.load_default(size=size)
