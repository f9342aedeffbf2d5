"""Which member judges which slide, and that the order of the images is kept."""

from types import SimpleNamespace

import pytest

from algorithm.bundle import load_bundle
from algorithm.detector import Options
from export.bundle import joined_training
from training.evaluation import unseen
from training.evaluation.unseen import predict_unseen
from training.index import DataError


@pytest.fixture
def bundle(disc_bundle):
    """Three members, of which the first two held H03 back, and the last one H04."""
    loaded = load_bundle(disc_bundle())
    told = [{"slides": ["H04"]}, {"slides": ["H04", "H05"]}, {"slides": ["H03", "H05"], "glasses": ["glass 3"]}]
    training = joined_training(told)
    loaded.facts = loaded.facts.model_copy(update={"members": loaded.facts.members * 3, "training": training})
    return loaded


@pytest.fixture
def asked(monkeypatch):
    """What would have been run: the number of members and the slides, by call."""
    calls = []

    def predict(images, detector, *, progress):
        calls.append((len(detector.facts.members), [image.slide for image in images]))
        for number in range(len(images)):
            progress(number + 1, len(images))
        return [SimpleNamespace(name=image.name) for image in images]

    monkeypatch.setattr(unseen, "predict", predict)
    monkeypatch.setattr(unseen, "Detector", lambda bundle, options: bundle)
    return calls


def test_each_slide_goes_to_the_members_that_did_not_see_it_and_comes_back_in_order(bundle, asked, listed):
    images = [listed("set", slide, name=f"{n}.tif") for n, slide in enumerate(["H04", "H03", "H05", "H03", "H04"])]
    done = []
    found = predict_unseen(bundle, images, Options(), progress=lambda *numbers: done.append(numbers))
    assert sorted(asked) == [(1, ["H04", "H04"]), (1, ["H05"]), (2, ["H03", "H03"])]
    assert [one.name for one in found] == [image.name for image in images]
    assert done == [(n, 5) for n in range(1, 6)]


def test_slide_that_all_members_saw_is_refused(bundle, asked, listed):
    facts = bundle.facts
    told = [{"slides": ["H04"]}, {"slides": ["H04", "H05"]}, {"slides": ["H03", "H04"]}]
    bundle.facts = facts.model_copy(update={"training": joined_training(told)})
    with pytest.raises(DataError, match=r"was trained on slide\(s\) H04; name others"):
        predict_unseen(bundle, [listed("set", "H04"), listed("set", "H03")], Options())
    assert not asked
