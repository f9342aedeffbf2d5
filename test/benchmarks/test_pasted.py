import numpy as np
import pytest

from algorithm.frames import Mpp
from benchmarks.pasted import SIDE, TISSUE, around, cells, fading, paste, pictures, places
from training.index import Annotation, IndexedImage


@pytest.fixture
def tissue():
    return np.full((TISSUE + 8, TISSUE, 3), 200, np.uint8)


@pytest.fixture
def frame(tmp_path, write_png):
    """300 x 260 px at 0.25 um/px, a dark pixel at each cell; one figure too near to the border for a crop."""
    cells = [Annotation(150, 130, "MF"), Annotation(20, 130, "MF"), Annotation(200, 100, "NMF")]
    pixels = np.full((260, 300, 3), 220, np.uint8)
    for cell in cells:
        pixels[int(cell.y), int(cell.x)] = 10
    return IndexedImage("set", "H05", write_png("frame", pixels), (300, 260), Mpp(0.25, 0.25), tuple(cells), tumour="T")


@pytest.fixture
def write_png(tmp_path):
    import PIL.Image

    def write(name, pixels):
        PIL.Image.fromarray(pixels).save(tmp_path / f"{name}.png")
        return tmp_path / f"{name}.png"

    return write


def test_a_crop_has_its_cell_in_the_middle_and_lies_inside(frame):
    (crop,) = around(frame, "MF")
    assert crop.shape == (SIDE, SIDE, 3)
    assert crop[SIDE // 2, SIDE // 2, 0] == 10


def test_cells_come_by_tumour_then_the_controls(frame):
    assert [(kind, len(crops)) for kind, crops in cells([frame], [frame])] == [
        ("T", 1), ("held-back figures", 1), ("held-back imposters", 1)
    ]  # fmt: skip


def test_pasted_cells_are_whole_in_the_middle_and_leave_no_edge(tissue):
    crops = [np.full((SIDE, SIDE, 3), 20, np.uint8)] * 2
    canvas, centres = paste(crops, tissue)
    assert canvas.shape == (TISSUE, TISSUE, 3)
    assert len(centres) == 2
    for x, y in centres:
        assert (canvas[y - 30 : y + 30, x - 30 : x + 30] == 20).all()
        corner = canvas[y - SIDE // 2, x - SIDE // 2 : x + SIDE // 2]
        assert (corner == 200).all()  # the seam is tissue
    assert (tissue == 200).all()


def test_pasted_cells_lie_apart_and_inside():
    corners = np.array(places())
    assert len(corners) == 9
    assert corners.min() >= 0
    assert corners.max() + SIDE <= TISSUE
    apart = np.abs(corners[:, None] - corners[None]).max(axis=-1)[~np.eye(9, dtype=bool)]
    assert apart.min() >= 2 * SIDE


def test_the_fading_is_smooth():
    share = fading(SIDE)[..., 0]
    assert share[SIDE // 2, SIDE // 2] == 1
    assert share[0].max() == 0
    assert np.abs(np.diff(share[SIDE // 2])).max() < 0.1


def test_every_crop_is_shown_once_pasted_or_alone(tissue):
    crops = [np.full((SIDE, SIDE, 3), n, np.uint8) for n in range(20)]
    for shown in (list(pictures(crops, [tissue])), list(pictures(crops, []))):
        assert sorted(int(pixels[y, x, 0]) for pixels, centres in shown for x, y in centres) == list(range(20))
