"""What the table of operating points is made of: a region without gaps, and runs that are counted and timed."""

import numpy as np
import PIL.Image
import pytest

from algorithm.detector import Options
from algorithm.frames import Mpp
from benchmarks.operating_points import found, laid_out, measured
from training.index import Annotation, IndexedImage


@pytest.fixture
def picture(tmp_path):
    """Return a function that writes a picture and gives its entry in the index."""

    def written(name, pixels, figures=()):
        path = tmp_path / f"{name}.png"
        PIL.Image.fromarray(pixels).save(path)
        places = tuple(Annotation(x, y, "MF") for x, y in figures)
        return IndexedImage("drawn", name, path, pixels.shape[1::-1], Mpp(0.5, 0.5), places)

    return written


def test_a_region_is_laid_out_without_gaps(picture):
    sizes = [(40, 30), (25, 20), (33, 50)]
    images = [picture(f"p{n}", np.full((h, w, 3), n + 1, np.uint8)) for n, (w, h) in enumerate(sizes)]
    laid = laid_out(images, (100, 90))
    assert laid.shape == (90, 100, 3)
    assert set(np.unique(laid)) == {1, 2, 3}
    assert (laid[0, :, 0] == [*[1] * 40, *[2] * 25, *[3] * 33, *[1] * 2]).all()


def test_each_point_is_measured_and_scored(picture, draw, figure, with_facts, save_tiff, tmp_path):
    bundle = with_facts(screen={"from_score": 0.1, "again_score": 0.3, "cell_px": 64}, reporting_threshold=0.0)
    pixels = draw((200, 128), [figure(50, 60), figure(140, 60)])
    points = [Options(ensemble="full", views=2), Options(ensemble="screen", views=1)]
    costs = measured(bundle, points, save_tiff(tmp_path / "region.tif", pixels), runs=1)
    assert [record.passes for record, _ in costs] == [3 * 2 * 2, 3 + 2]  # two members; both candidates on one sheet
    # the engines' part of a run is less than all of it, which is what was measured
    assert all(0 < seconds < 60 and seconds > record.seconds["pixels"] / 10 for record, seconds in costs)
    image = picture("H01", pixels, [(50, 60), (140, 60)])
    for point in points:
        ap, f1, at = found(bundle, [image], point)
        assert (ap, f1) == ("1.000", "1.000") and 0 < float(at) < 1
