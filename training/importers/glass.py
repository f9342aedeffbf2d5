"""Names that published sets give to the same glass, so that no fold is trained on what another is scored on.

MITOS-ATYPIA-14 scanned its slides twice (A03 by Aperio, H03 by Hamamatsu), and its numbers go on from those of
ICPR 2012: A03 and A04 are in both, perhaps the same glass. MIDOG 2021, MIDOG++ and MIDOG 2025 number their images
in one row. TUPAC16 gives a case either in fields or stitched, as `06_stitched1.tif`; AMi-Br takes from both sets.
"""

import re

CONTEST_FRAME = re.compile(r"(?P<scanner>[AH])(?P<number>\d\d)_\d\d(?P<quadrant>[A-D][a-d]?)?(_x\d+_y\d+)?$")
IN_BOTH_CONTESTS = {"A03": "H03", "A04": "H04"}  # slide of ICPR 2012: that of MITOS-ATYPIA-14
NUMBERED = ("MIDOG", "TUPAC")  # sets whose slides are numbers, so that the set must be said with them
STITCHED = re.compile(r"_stitched\d+$")


def slide_and_glass(stem: str, prefix: str | None, *, within: str = "") -> tuple[str, str]:
    """Return slide and glass of a picture by its name without suffix.

    prefix: None for that of the set, where it is known. within: name of the set, which may be a longer one, as that
    of its file is. The glass keeps the set's own name whatever the prefix; empty: the slide is one of its own.
    """
    if frame := CONTEST_FRAME.match(stem):
        number = frame["number"]
        slide = f"H{number}" if frame["quadrant"] else f"{frame['scanner']}{number}"
        return named(slide, prefix or "", IN_BOTH_CONTESTS.get(slide, slide))
    for name in NUMBERED:
        if name in within:
            slide = STITCHED.sub("", stem)
            return named(slide, f"{name}/" if prefix is None else prefix, f"{name}/{slide}")
    return named(stem, prefix or "")


def named(slide: str, prefix: str, glass: str = "") -> tuple[str, str]:
    """Return the slide with its prefix, and the glass where that is another name."""
    slide = prefix + slide
    return slide, "" if glass == slide else glass
