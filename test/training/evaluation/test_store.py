import numpy as np
import pytest

from algorithm.errors import MitosisError
from algorithm.frames import Mpp
from training.evaluation.predictions import beside_truth
from training.evaluation.store import read_predictions, write_predictions
from training.index import Annotation, IndexedImage


@pytest.fixture
def images(tmp_path):
    def image(dataset: str, name: str) -> IndexedImage:
        cells = (Annotation(40.0, 20.0, "MF"), Annotation(90.0, 20.0, "NMF"))
        return IndexedImage(dataset, "H03", tmp_path / name, (400, 300), Mpp(0.25, 0.25), cells)

    return [image("one", 'a, "b".tif'), image("two", 'a, "b".tif'), image("one", "nothing.tif")]


def found(image: IndexedImage, *rows: tuple[float, float, float]):
    table = np.array(rows, np.float64).reshape(-1, 3)
    return beside_truth(image, found_um=table[:, :2], score=table[:, 2], probability=table[:, 2])


def test_predictions_come_back_beside_their_images(tmp_path, images):
    written = [
        found(images[0], (1.25, 2.5, 0.91234), (3.125, 4.0, 0.5)),
        found(images[1], (7.0, 8.0, 0.25)),
        found(images[2]),
    ]
    write_predictions(tmp_path / "ensemble.csv", written)
    read = read_predictions(tmp_path / "ensemble.csv", images)
    for one, other in zip(written, read, strict=True):
        assert one.name == other.name and one.dataset == other.dataset
        np.testing.assert_array_equal(one.found_um, other.found_um)
        np.testing.assert_array_equal(one.score, other.score)
        np.testing.assert_array_equal(one.truth_um, other.truth_um)
    assert read[0].truth_um.tolist() == [[10.0, 5.0]]


def test_detections_of_other_images_are_refused(tmp_path, images):
    write_predictions(tmp_path / "ensemble.csv", [found(images[0], (1, 1, 0.5))])
    with pytest.raises(MitosisError, match=r"detections in a, \"b\" of one, which is not in the data"):
        read_predictions(tmp_path / "ensemble.csv", images[1:])


@pytest.mark.parametrize("text", ["dataset,image,x_um\none,a,1\n", "dataset,image,x_um,y_um,score\none,a,1,x,0.5\n"])
def test_a_damaged_file_is_refused_by_its_name(tmp_path, images, text):
    (tmp_path / "ensemble.csv").write_text(text)
    with pytest.raises(MitosisError, match=r"ensemble\.csv: not a table of predictions"):
        read_predictions(tmp_path / "ensemble.csv", images)
