"""Data sets, networks and bundles of known content, written by code."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper
import PIL.Image
import pytest
from click.testing import CliRunner, Result

from algorithm.bundle import SCHEMA_VERSION, Bundle, Calibration, Member, load_bundle, sha256_of, write_bundle
from algorithm.frames import Mpp
from export.bundle import joined_training
from training.cli import main
from training.index import Annotation, IndexedImage

REPOSITORY = Path(__file__).resolve().parents[2]
SHARED = REPOSITORY / "../shared/data"  # the public data sets, where somebody has put them
STROMA = (225, 170, 200)
DISC_RADIUS_PX = 14
FIGURE_GREY, IMPOSTER_GREY = 30, 90
HAMAMATSU_MPP = 0.2275
# a network as thin as RTMDet can be: all of its parts, little of its arithmetic
THIN = """
model = dict(
    backbone=dict(widen_factor=0.125, deepen_factor=0.167),
    neck=dict(in_channels=[32, 64, 128], out_channels=32),
    bbox_head=dict(in_channels=32, feat_channels=32),
)
"""

SMALL = {
    "patch_px": (64, 64),
    "iterations": 3,
    "ema_momentums": [5e-3, 1e-3],
    "save_every": 2,
    "watch_every": 1000,
    "validation_patches": 2,
    "batch": 2,
    "warmup": {"iterations": 1, "start": 1e-5},
    "workers": 0,
}

Place = tuple[float, float]


class Drawn(NamedTuple):
    """A picture to draw: name, size (width, height) px, places of figures and imposters."""

    name: str
    size: tuple[int, int]
    figures: Sequence[Place]
    imposters: Sequence[Place] = ()


def draw(picture: Drawn) -> np.ndarray:
    """Return (height, width, 3) uint8: even stroma, black discs for figures, grey ones for imposters."""
    width, height = picture.size
    pixels = np.full((height, width, 3), STROMA, np.uint8)
    y, x = np.mgrid[:height, :width] + 0.5
    for places, grey in ((picture.figures, FIGURE_GREY), (picture.imposters, IMPOSTER_GREY)):
        for cx, cy in places:
            pixels[np.hypot(x - cx, y - cy) <= DISC_RADIUS_PX] = grey
    return pixels


def write_points(folder: Path, pictures: Sequence[Drawn]) -> Path:
    """Write pictures and their places in the layout of MITOS-ATYPIA-14."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "points.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["frame", "slide", "scanner", "x", "y", "label", "confidence", "source"])
        for picture in pictures:
            name = picture.name
            PIL.Image.fromarray(draw(picture)).save(folder / f"{name}.jpg", quality=95, subsampling=0)
            for places, label in ((picture.figures, "MF"), (picture.imposters, "NMF")):
                table.writerows([name, name[1:3], name[0], x, y, label, 1.0, "drawn"] for x, y in places)
    return folder


@pytest.fixture(scope="session")
def shared() -> Callable[[str], Path]:
    """Return a function that gives a public data set's folder, or skips the test."""

    def folder(name: str) -> Path:
        path = SHARED / name
        if not path.is_dir():
            pytest.skip(f"the public data set {name} is not in ../shared/data")
        return path

    return folder


@pytest.fixture
def indexed(tmp_path: Path) -> Callable[..., IndexedImage]:
    """Return a function that draws a picture, loss-free, and gives its entry in the index."""

    def written(picture: Drawn, mpp: float = 0.25) -> IndexedImage:
        path = tmp_path / f"{picture.name}.png"
        PIL.Image.fromarray(draw(picture)).save(path)
        places = [Annotation(x, y, "MF") for x, y in picture.figures]
        places += [Annotation(x, y, "NMF") for x, y in picture.imposters]
        return IndexedImage("drawn", picture.name[:3], path, picture.size, Mpp(mpp, mpp), tuple(places))

    return written


@pytest.fixture(scope="session")
def listed() -> Callable[..., IndexedImage]:
    """Return a function that makes an image of the index without a picture: so many figures, so many imposters."""

    def made(dataset: str, slide: str, figures: int = 1, imposters: int = 0, **facts: str) -> IndexedImage:
        labels = ["MF"] * figures + ["NMF"] * imposters
        cells = tuple(Annotation(20.0 + 30 * n, 50.0, label) for n, label in enumerate(labels))
        name = facts.pop("name", f"{dataset}-{slide}.tif")
        return IndexedImage(dataset, slide, Path(name), (4000, 100), Mpp(0.25, 0.25), cells, **facts)

    return made


@pytest.fixture(scope="session")
def drawn() -> type[Drawn]:
    """What describes a picture: tests cannot import from here."""
    return Drawn


@pytest.fixture(scope="session")
def write_data() -> Callable[[Path, Sequence[Drawn]], Path]:
    return write_points


@pytest.fixture(scope="session")
def thin_network() -> str:
    """Lines of a config that make the network small enough to train in seconds."""
    return THIN


@pytest.fixture(scope="session")
def configs() -> Path:
    return REPOSITORY / "training/configs"


@pytest.fixture(scope="session")
def write_slides() -> Callable[[Path, Sequence[str]], Path]:
    """Return a function that draws a frame of each slide, with three figures and an imposter, as a data set."""

    def written(folder: Path, slides: Sequence[str]) -> Path:
        cells = [(60, 60), (180, 90), (100, 160)]
        return write_points(folder, [Drawn(f"{slide}_00Aa", (240, 200), cells, [(200, 170)]) for slide in slides])

    return written


@pytest.fixture(scope="session")
def write_config(configs: Path) -> Callable[..., Path]:
    """Return a function that writes a config of a run that takes seconds, with settings changed."""

    def written(path: Path, data: Path, held_back: Sequence[str], **changes: object) -> Path:
        settings = SMALL | {"data": [str(data)], "held_back": list(held_back)} | changes
        lines = "\n".join(f"{name} = {value!r}" for name, value in settings.items())
        path.write_text(f'_base_ = ["{configs / "cpu_half.py"}"]\n{THIN}\n{lines}\n')
        return path

    return written


@pytest.fixture
def command() -> Callable[..., Result]:
    """Return a function that runs a command of training as from a shell."""

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return run


@pytest.fixture(scope="session")
def disc_bundle(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Return a function that makes a fresh bundle whose one member finds discs: the darker, the surer."""
    made = write_disc_finder(tmp_path_factory.mktemp("network") / "discs.onnx")

    def folder() -> Path:
        path = tmp_path_factory.mktemp("bundle")
        (path / made.name).write_bytes(made.read_bytes())
        write_bundle(path, disc_facts(path / made.name))
        return path

    return folder


TILE_PX, CELL_PX, KEPT, FLOOR, BOX_UM, OVERLAP_PX = 256, 8, 256, 0.2, 8.0, 72


def disc_facts(network: Path) -> Bundle:
    return Bundle(
        schema_version=SCHEMA_VERSION,
        name="discs",
        version="1",
        licence="Apache-2.0",
        members=[Member(file=network.name, sha256=sha256_of(network), source="written by hand")],
        classes=["mitotic figure"],
        mpp=HAMAMATSU_MPP,
        mpp_tolerance=0.05,
        tile_px=TILE_PX,
        overlap_px=OVERLAP_PX,
        box_um=BOX_UM,
        score_floor=FLOOR,
        top_k=KEPT,
        fusion_radius_um=7.5,
        ensemble="full",
        views=[0],
        threshold=0.5,
        reporting_threshold=0.1,
        calibration=Calibration(slope=1.0, intercept=0.0, fitted_on="nothing"),
        training={},
    )


def write_disc_finder(path: Path) -> Path:
    """Write a network that scores cells of 8 x 8 px by darkness: black discs 0.97, grey ones 0.79, stroma nothing."""
    cells = TILE_PX // CELL_PX
    centre = (np.stack(np.meshgrid(range(cells), range(cells)), -1).reshape(-1, 2) + 0.5) * CELL_PX
    half = BOX_UM / HAMAMATSU_MPP / 2
    constants = {
        "channels": np.array([3], np.int64),
        "plane": np.array([1, 1, TILE_PX, TILE_PX], np.int64),
        "line": np.array([1, cells * cells], np.int64),
        "grey_even": np.float32(130),
        "grey_step": np.float32(-30),
        "k": np.array([KEPT], np.int64),
        "every_box": np.hstack([centre - half, centre + half]).astype(np.float32),
        "floor": np.float32(FLOOR),
        "none": np.float32(0),
    }
    node = onnx.helper.make_node
    nodes = [
        node("Cast", ["tiles"], ["pixels"], to=onnx.TensorProto.FLOAT),
        node("ReduceMean", ["pixels", "channels"], ["grey"]),
        node("Reshape", ["grey", "plane"], ["image"]),
        node("AveragePool", ["image"], ["means"], kernel_shape=[CELL_PX] * 2, strides=[CELL_PX] * 2),
        node("Reshape", ["means", "line"], ["cells"]),
        node("Sub", ["cells", "grey_even"], ["lighter"]),
        node("Div", ["lighter", "grey_step"], ["logit"]),
        node("Sigmoid", ["logit"], ["darkness"]),
        node("TopK", ["darkness", "k"], ["best", "which"], axis=1),
        node("Gather", ["every_box", "which"], ["boxes"], axis=0),
        node("GreaterOrEqual", ["best", "floor"], ["kept"]),
        node("Where", ["kept", "best", "none"], ["scores"]),
    ]
    kind = onnx.TensorProto
    graph = onnx.helper.make_graph(
        nodes,
        "discs",
        [onnx.helper.make_tensor_value_info("tiles", kind.UINT8, [1, TILE_PX, TILE_PX, 3])],
        [
            onnx.helper.make_tensor_value_info("boxes", kind.FLOAT, [1, KEPT, 4]),
            onnx.helper.make_tensor_value_info("scores", kind.FLOAT, [1, KEPT]),
        ],
        [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


@pytest.fixture
def two_members(disc_bundle: Callable[[], Path]) -> Callable[[list[dict]], Path]:
    """Return a function that makes a bundle of two members, told what each was trained on."""

    def folder(told: list[dict]) -> Path:
        path = disc_bundle()
        facts = load_bundle(path).facts
        second = facts.members[0].model_copy(update={"file": "second.onnx"})
        (path / second.file).write_bytes((path / facts.members[0].file).read_bytes())
        changes = {"members": [facts.members[0], second], "training": joined_training(told)}
        write_bundle(path, facts.model_copy(update=changes))
        return path

    return folder
