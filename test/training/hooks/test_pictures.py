from types import SimpleNamespace

import numpy as np
import PIL.Image
import pytest

from algorithm.errors import ImageError
from training.evaluation.predictions import Predicted
from training.hooks import pictures
from training.hooks.pictures import CURVES_NAME, SAMPLES_NAME, PicturesHook
from training.hooks.progress import append_row

SETTINGS = SimpleNamespace(accumulate=2, watch_every=3, iterations=7)


@pytest.fixture
def image(drawn, indexed):
    return indexed(drawn("H01_a", (400, 300), [(100, 100)]))


@pytest.fixture
def looked(image):
    """What WatchHook leaves: two averages, the second of which finds the figure."""

    def found(xy, score) -> Predicted:
        return Predicted(
            dataset="set", slide="H01", scanner="", tumour="", name=image.name, area_mm2=0.1,
            truth_um=np.array([[25.0, 25.0]]), found_um=np.array([xy]), score=np.array([score]),
            probability=np.array([score]),
        )  # fmt: skip

    return SimpleNamespace(latest={0.001: [found((70.0, 70.0), 0.9)], 0.0005: [found((25.0, 26.0), 0.6)]})


@pytest.fixture
def run(tmp_path):
    append_row(tmp_path / "losses.csv", {"iteration": 3, "lr": 1e-3, "seconds": 0.5, "loss": 1.0})
    return SimpleNamespace(work_dir=str(tmp_path))


def drawn_at(hook: PicturesHook, run, folder) -> list[int]:
    """Return the batches after which curves were drawn."""
    times = []
    for batch in range(SETTINGS.iterations * SETTINGS.accumulate):
        hook.after_train_iter(run, batch)
        if (folder / CURVES_NAME).exists():
            times.append(batch + 1)
            (folder / CURVES_NAME).unlink()
    return times


def test_pictures_are_drawn_at_each_look_and_at_the_end(run, tmp_path, looked, image):
    assert drawn_at(PicturesHook(looked, [image], SETTINGS), run, tmp_path) == [6, 12, 14]
    with PIL.Image.open(tmp_path / SAMPLES_NAME) as picture:
        assert picture.format == "PNG"
    assert not list(tmp_path.glob("*.part"))


def test_average_with_the_best_f1_is_shown_at_its_threshold(run, looked, image, monkeypatch):
    shown = {}
    monkeypatch.setattr(
        pictures, "samples", lambda images, predicted, **named: shown.update(named, of=predicted) or b""
    )
    PicturesHook(looked, [image], SETTINGS).after_train_iter(run, 5)
    assert shown["of"] is looked.latest[0.0005]
    assert 0.02 <= shown["threshold"] <= 0.6
    assert shown["title"].startswith("iteration 3, EMA 0.0005: F1 1.000 at score ")


def test_run_that_holds_nothing_back_has_curves_alone(run, tmp_path):
    PicturesHook(None, [], SETTINGS).after_train_iter(run, 5)
    assert (tmp_path / CURVES_NAME).exists()
    assert not (tmp_path / SAMPLES_NAME).exists()


def test_run_does_not_end_for_a_picture(run, looked, image, monkeypatch, capsys):
    def broken(*_, **__):
        raise ImageError("H01_a.png: cannot be read")

    monkeypatch.setattr(pictures, "samples", broken)
    PicturesHook(looked, [image], SETTINGS).after_train_iter(run, 5)
    assert capsys.readouterr().out == "     3  no pictures: H01_a.png: cannot be read\n"
