"""The whole picture: who stands where, and in which order things are drawn."""

from dataclasses import dataclass

import numpy as np

from drawing import cells, dying, figures, noise, tissue
from drawing.dying import Imposter
from drawing.figures import Phase
from drawing.layout import Crowd, far_apart
from drawing.stains import MPP, Canvas, Stamp, photograph

FIGURES = {
    Phase.PROMETAPHASE: 5,
    Phase.METAPHASE_SIDE: 8,  # the phase seen most often
    Phase.METAPHASE_POLAR: 4,
    Phase.ANAPHASE: 4,
    Phase.TELOPHASE: 3,
}
IMPOSTERS = {Imposter.PYKNOSIS: 7, Imposter.APOPTOSIS: 7, Imposter.LYMPHOCYTE: 5, Imposter.PIGMENT: 4}
APART_PX = 110  # between labelled objects: far more than the 7.5 um within which a detection counts
MARGIN_PX = 48  # 12 um: a figure this near the border is still wholly inside
RIM_PX = 60  # centres nearer than this to the border make the figures at the border
AT_BORDER = 4  # figures
ROOM_UM = {"MF": 9.5, "NMF": 5.0}  # kept free of other nuclei around the centre
TELOPHASE_UM = 11.5  # its two cells need more
LINED_UP = 0.5  # share of the nuclei of a nest that follow its grain
TUMOUR_TRIES = 24_000  # places tried for a nucleus: enough to fill the nests
STROMA_TRIES = 5_000


@dataclass(frozen=True)
class Labelled:
    """One line of the truth: the middle of an object, px from the image's top left corner, and its kind."""

    x: int
    y: int
    phase: Phase | Imposter

    @property
    def label(self) -> str:
        """MF for a mitotic figure, NMF for an imposter."""
        return "MF" if isinstance(self.phase, Phase) else "NMF"

    @property
    def room_um(self) -> float:
        """Radius in which no other nucleus may lie."""
        return TELOPHASE_UM if self.phase is Phase.TELOPHASE else ROOM_UM[self.label]


def draw(seed: int, *, width_px: int, height_px: int) -> tuple[np.ndarray, list[Labelled]]:
    """The picture, (height_px, width_px, 3) uint8 RGB, and the truth, from top to bottom.

    Raises ValueError when the image is too small for the labelled objects.
    """
    rng = np.random.default_rng(seed)
    canvas = Canvas(height_px, width_px)
    ground = tissue.survey(rng, canvas.shape)
    truth = _labelled(rng, ground)
    crowd = Crowd()
    for one in truth:
        crowd.add(one.x, one.y, one.room_um / MPP)
    tumour = _tumour_cells(rng, ground, crowd)
    centres = [(one.x, one.y) for one in truth] + [(x, y) for x, y, _ in tumour]
    tissue.paint(rng, canvas, ground, np.array(centres, float))
    _draw_stroma(rng, canvas, ground, crowd)
    for x, y, look in tumour:
        canvas.lay(cells.draw_nucleus(rng, look, _direction(rng, ground, x, y)), x, y)
    for one in truth:
        for stamp in _stamps(rng, one.phase):
            canvas.lay(stamp, one.x, one.y)
    return photograph(rng, canvas.amounts), sorted(truth, key=lambda one: (one.y, one.x))


def _labelled(rng: np.random.Generator, ground: tissue.Ground) -> list[Labelled]:
    """Figures first, some of them at the border, then imposters; all in nests, far from each other."""
    deep = ground.inside_um > ROOM_UM["MF"] / 2
    at_rim = np.ones_like(ground.nest)
    at_rim[RIM_PX:-RIM_PX, RIM_PX:-RIM_PX] = False
    phases = rng.permutation([phase for phase, count in FIGURES.items() for _ in range(count)])
    kinds = [kind for kind, count in IMPOSTERS.items() for _ in range(count)]
    places: list[tuple[int, int]] = []
    for allowed, count, margin_px in (
        (ground.nest & deep & at_rim, AT_BORDER, MARGIN_PX),
        (ground.nest & deep, len(phases) - AT_BORDER, 2 * MARGIN_PX),
        (ground.nest, len(kinds), MARGIN_PX),
    ):
        places += far_apart(rng, allowed, count=count, distance_px=APART_PX, margin_px=margin_px, taken=places)
    names = [Phase(phase) for phase in phases] + kinds
    return [Labelled(x, y, name) for (x, y), name in zip(places, names, strict=True)]


def _stamps(rng: np.random.Generator, phase: Phase | Imposter) -> list[Stamp]:
    """What is drawn for a labelled object, from below to above."""
    match phase:
        case Phase():
            return figures.draw(rng, phase)
        case Imposter.PYKNOSIS:
            return dying.shrunken(rng, radius_um=rng.uniform(3.6, 4.6), bodies=1)
        case Imposter.APOPTOSIS:
            return dying.shrunken(rng, radius_um=rng.uniform(3.4, 5.0), bodies=int(rng.integers(3, 8)))
        case Imposter.LYMPHOCYTE:
            return [cells.draw_nucleus(rng, cells.lymphocyte(rng), rng.uniform(0, np.pi))]
        case Imposter.PIGMENT:
            return [dying.pigment(rng)]


def _tumour_cells(
    rng: np.random.Generator, ground: tissue.Ground, crowd: Crowd
) -> list[tuple[int, int, cells.Nucleus]]:
    """Nuclei packed into the nests at random: x, y (px) and look of each."""
    height, width = ground.nest.shape
    placed = []
    for _ in range(TUMOUR_TRIES):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        look = cells.interphase(rng)
        if not ground.nest[y, x] or ground.inside_um[y, x] < 0.7 * look.radius_um:
            continue
        # a little less than the long half axis: neighbours may touch and flatten each other
        keep_um = 0.86 * look.radius_um * np.sqrt(look.aspect) + rng.exponential(0.35)
        if crowd.admit(x, y, keep_um / MPP):
            placed.append((x, y, look))
    return placed


def _draw_stroma(rng: np.random.Generator, canvas: Canvas, ground: tissue.Ground, crowd: Crowd) -> None:
    """Spindle cells along the fibres, lymphocytes in swarms, a few red cells."""
    height, width = canvas.shape
    swarm = noise.smooth(rng, canvas.shape, 260) > 0.9
    for _ in range(STROMA_TRIES):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        if ground.inside_um[y, x] > -2 or ground.hole[y, x] > 0.2:
            continue
        if swarm[y, x] and rng.random() < 0.5 and crowd.admit(x, y, rng.uniform(2.8, 6) / MPP):
            canvas.lay(cells.draw_nucleus(rng, cells.lymphocyte(rng), rng.uniform(0, np.pi)), x, y)
        elif rng.random() < 0.03 and crowd.admit(x, y, 2.8 / MPP):
            canvas.lay(cells.red_cell(rng), x, y)
        elif rng.random() < 0.4 and crowd.admit(x, y, rng.uniform(3.5, 7) / MPP):
            look = cells.crushed(rng) if rng.random() < 0.3 else cells.fibroblast(rng)
            canvas.lay(cells.draw_nucleus(rng, look, float(ground.angle[y, x])), x, y)


def _direction(rng: np.random.Generator, ground: tissue.Ground, x: int, y: int) -> float:
    """The way a nucleus lies (rad): along the grain of its nest, or any way."""
    if rng.random() < LINED_UP:
        return float(ground.angle[y, x] + rng.normal(0, 0.3))
    return float(rng.uniform(0, np.pi))
