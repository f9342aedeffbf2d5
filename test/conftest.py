"""What most tests need: drawn images, an engine that finds drawn figures, and a bundle with a tiny real network."""

import logging
import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import hypothesis
import numpy as np
import onnx
import pytest
import tifffile
from gpu_stand_in import gpu, stand_in  # noqa: F401  # fixtures
from onnx import TensorProto, helper

from algorithm.bundle import Bundle, Calibration, LoadedBundle, Member, load_bundle, sha256_of, write_bundle
from algorithm.engines.base import Engine, Raw
from algorithm.frames import Mpp
from algorithm.images import Image

ROOT = Path(__file__).resolve().parents[1]
TILE_PX, OVERLAP_PX, BUNDLE_MPP, BOX_UM = 128, 64, 0.5, 16.0
FIGURE_UM = 4.0  # radius of a drawn figure
GROUND, DARKEST = 230, 30
FLOOR, TOP_K = 0.02, 512
# several boxes for each figure, as networks give them: shift of the centre in tile px, share of the score
JITTER = ((0.0, 0.0, 1.0), (2.0, 1.0, 0.9), (-1.0, 2.0, 0.8), (1.5, -2.0, 0.7))

# no deadlines and no chance: a test fails on every machine or on none
hypothesis.settings.register_profile("steady", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("steady")


class Figure(NamedTuple):
    """A dark disc: centre in image px (corner of the image = 0), darkness in [0, 1], which is its score."""

    x: float
    y: float
    darkness: float = 0.9


class MemoryImage(Image):
    """An image that lies in no file."""

    def __init__(self, pixels: np.ndarray, mpp: Mpp | None) -> None:
        size = (pixels.shape[1], pixels.shape[0])
        super().__init__(Path("drawn.tif"), size=size, mpp=mpp, label="drawn")
        self.pixels = pixels

    def _window(self, level: int, x: int, y: int, width: int, height: int) -> np.ndarray:
        return self.pixels[y : y + height, x : x + width]

    def _release(self) -> None:
        pass


class FakeEngine(Engine):
    """Finds dark discs on a light ground. What it says of a disc depends on that disc alone."""

    name, device, precision = "fake", "nowhere", "exact"

    def __init__(self, tile_px: int = TILE_PX, *, box_px: float = BOX_UM / BUNDLE_MPP, top_k: int = TOP_K) -> None:
        self.tile_px = tile_px
        self.box_px = box_px
        self.top_k = top_k
        self.submitted = 0
        self._waiting: deque[np.ndarray] = deque()

    def submit(self, tiles: np.ndarray) -> None:
        assert tiles.shape[1:] == (self.tile_px, self.tile_px, 3), tiles.shape
        assert tiles.dtype == np.uint8
        assert len(self._waiting) < self.depth, "more tiles under way than the engine takes"
        self.submitted += len(tiles)
        self._waiting.append(tiles)

    def result(self) -> Raw:
        found = [self._found(tile) for tile in self._waiting.popleft()]
        return Raw(np.stack([boxes for boxes, _ in found]), np.stack([scores for _, scores in found]))

    def _found(self, tile: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        grey = tile.mean(axis=2)
        count, labels = cv2.connectedComponents((grey < (GROUND + DARKEST) / 2).astype(np.uint8))
        rows = []
        for label in range(1, count):
            y, x = np.nonzero(labels == label)
            # the rim that is less than half dark belongs to the disc as well
            top, bottom, left, right = max(y.min() - 2, 0), y.max() + 3, max(x.min() - 2, 0), x.max() + 3
            weight = np.clip(GROUND - grey[top:bottom, left:right], 0, None)
            down, across = np.mgrid[top : top + weight.shape[0], left : left + weight.shape[1]] + 0.5
            cx, cy = (across * weight).sum() / weight.sum(), (down * weight).sum() / weight.sum()
            score = np.clip((GROUND - grey[y, x].min()) / GROUND, 0, 1)
            half = self.box_px / 2
            for dx, dy, share in JITTER:
                centre = cx + dx, cy + dy
                box = (centre[0] - half, centre[1] - half, centre[0] + half, centre[1] + half)
                rows.append((-score * share, *box))
        rows = sorted(row for row in rows if -row[0] >= FLOOR)[: self.top_k]
        boxes, scores = np.zeros((self.top_k, 4), np.float32), np.zeros(self.top_k, np.float32)
        for place, (score, *box) in enumerate(rows):
            boxes[place], scores[place] = box, -score
        return boxes, scores


def drawn(
    size: tuple[int, int], figures: Sequence[Figure] = (), *, mpp: tuple[float, float] = (0.5, 0.5)
) -> np.ndarray:
    """Return (height, width, 3) uint8: discs of FIGURE_UM on a light ground, with soft edges; size (width, height)."""
    width, height = size
    y, x = np.mgrid[:height, :width] + 0.5
    grey = np.full((height, width), float(GROUND))
    for figure in figures:
        distance_um = np.hypot((x - figure.x) * mpp[0], (y - figure.y) * mpp[1])
        inside = np.clip((FIGURE_UM - distance_um) / max(mpp) + 0.5, 0, 1)
        grey -= inside * figure.darkness * GROUND
    return np.repeat(np.clip(grey, 0, 255).round().astype(np.uint8)[..., None], 3, axis=2)


def figures_apart(size: tuple[int, int], *, step_px: int = 37, margin_px: int = 12) -> list[Figure]:
    """Return figures all over an image, none touching another, no two equally dark."""
    places = [
        (x + 3 * ((x * 7 + y) % 3), y + 2 * ((x + y * 5) % 4))
        for y in range(margin_px, size[1] - margin_px - 8, step_px)
        for x in range(margin_px, size[0] - margin_px - 8, step_px)
    ]
    return [Figure(x + 0.5, y + 0.25, 0.6 + 0.3 * n / len(places)) for n, (x, y) in enumerate(places)]


def write_tiff(path: Path, pixels: np.ndarray, *, mpp: float | None = BUNDLE_MPP, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    scale = {} if mpp is None else {"resolution": (1e4 / mpp, 1e4 / mpp), "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(path, pixels, **({"photometric": "rgb", "metadata": None} | scale | options))
    return path


def tiny_network(tile_px: int = TILE_PX, *, gain: float = 1.0, keep: int = 32) -> onnx.ModelProto:
    """Return a network of the bundle's contract: how dark it is around a place, and where that has its maxima.

    uint8 (1, tile, tile, 3) in; boxes (1, keep, 4) and scores (1, keep) float32 out.
    """
    pool, half = 17, BOX_UM / BUNDLE_MPP / 2
    around = {"kernel_shape": [pool, pool], "pads": [pool // 2] * 4, "strides": [1, 1]}
    nodes = [
        helper.make_node("Cast", ["tiles"], ["wide"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["wide", "channels"], ["grey"], keepdims=0),
        helper.make_node("Sub", ["ground", "grey"], ["depth"]),
        helper.make_node("Mul", ["depth", "gain"], ["scaled"]),
        helper.make_node("Clip", ["scaled", "zero", "one"], ["dark"]),
        helper.make_node("Reshape", ["dark", "as_map"], ["map"]),
        helper.make_node("AveragePool", ["map"], ["once"], count_include_pad=1, **around),
        helper.make_node("AveragePool", ["once"], ["smooth"], count_include_pad=1, **around),
        helper.make_node("MaxPool", ["smooth"], ["highest"], **around),
        helper.make_node("Equal", ["smooth", "highest"], ["is_highest"]),
        helper.make_node("Where", ["is_highest", "smooth", "zero"], ["maxima"]),
        helper.make_node("Reshape", ["maxima", "as_row"], ["row"]),
        helper.make_node("TopK", ["row", "keep"], ["best", "index"], axis=1, largest=1, sorted=1),
        helper.make_node("Mul", ["best", "two"], ["more"]),
        helper.make_node("Clip", ["more", "zero", "one"], ["clipped"]),
        helper.make_node("Less", ["clipped", "floor"], ["is_low"]),
        helper.make_node("Where", ["is_low", "zero", "clipped"], ["scores"]),
        helper.make_node("Div", ["index", "width"], ["row_of"]),
        helper.make_node("Mul", ["row_of", "width"], ["row_start"]),
        helper.make_node("Sub", ["index", "row_start"], ["column_of"]),
        helper.make_node("Cast", ["row_of"], ["y"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["column_of"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["x", "last"], ["x_"]),
        helper.make_node("Unsqueeze", ["y", "last"], ["y_"]),
        helper.make_node("Concat", ["x_", "y_", "x_", "y_"], ["corners"], axis=2),
        helper.make_node("Add", ["corners", "reach"], ["boxes"]),
    ]
    constants = {
        "channels": np.array([3], np.int64),
        "ground": np.float32(GROUND - 20),
        "gain": np.float32(gain / GROUND),
        "zero": np.float32(0),
        "one": np.float32(1),
        "two": np.float32(2),
        "floor": np.float32(FLOOR),
        "as_map": np.array([1, 1, tile_px, tile_px], np.int64),
        "as_row": np.array([1, tile_px * tile_px], np.int64),
        "keep": np.array([keep], np.int64),
        "width": np.int64(tile_px),
        "last": np.array([2], np.int64),
        "reach": np.array([-half, -half, half, half], np.float32) + np.float32(0.5),
    }
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("tiles", TensorProto.UINT8, [1, tile_px, tile_px, 3])],
        [
            helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [1, keep, 4]),
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, keep]),
        ],
        [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model


def make_facts(members: Sequence[Member], **changes: object) -> Bundle:
    settings = {
        "schema_version": 1,
        "name": "tiny",
        "version": "1.0",
        "licence": "Apache-2.0",
        "members": list(members),
        "classes": ["mitotic figure"],
        "mpp": BUNDLE_MPP,
        "mpp_tolerance": 0.05,
        "tile_px": TILE_PX,
        "overlap_px": OVERLAP_PX,
        "box_um": BOX_UM,
        "score_floor": FLOOR,
        "top_k": TOP_K,
        "fusion_radius_um": 7.5,
        "ensemble": "full",
        "views": [0],
        "threshold": 0.5,
        "reporting_threshold": 0.05,
        "calibration": Calibration(slope=1.0, intercept=0.0, fitted_on="nothing"),
        "training": {"data": "drawn"},
    }
    return Bundle.model_validate(settings | changes)


def make_bundle(folder: Path, **changes: object) -> Path:
    """Write a bundle of two members that differ a little."""
    folder.mkdir(parents=True)
    members = []
    for number, gain in enumerate((1.0, 0.9)):
        path = folder / f"member{number}.onnx"
        onnx.save(tiny_network(gain=gain), path)
        members.append(Member(file=path.name, sha256=sha256_of(path), source="code"))
    write_bundle(folder, make_facts(members, **changes))
    return folder


@pytest.fixture(scope="session")
def fake_engine() -> type[FakeEngine]:
    return FakeEngine


@pytest.fixture(scope="session")
def figure() -> type[Figure]:
    return Figure


@pytest.fixture(scope="session")
def memory_image() -> type[MemoryImage]:
    return MemoryImage


@pytest.fixture(scope="session")
def draw() -> Callable[..., np.ndarray]:
    return drawn


@pytest.fixture(scope="session")
def spread_figures() -> Callable[..., list[Figure]]:
    return figures_apart


@pytest.fixture(scope="session")
def save_tiff() -> Callable[..., Path]:
    return write_tiff


@pytest.fixture(scope="session")
def network() -> Callable[..., onnx.ModelProto]:
    return tiny_network


@pytest.fixture(scope="session")
def bundle_at() -> Callable[..., Path]:
    """Return a function that writes a tiny bundle into a folder; keywords change its facts."""
    return make_bundle


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete valid bundle with a real network that finds dark discs. Not to be changed."""
    return make_bundle(tmp_path_factory.mktemp("bundle") / "model")


@pytest.fixture(scope="session")
def loaded_bundle(tiny_bundle: Path) -> LoadedBundle:
    return load_bundle(tiny_bundle)


@pytest.fixture(scope="session")
def with_facts(loaded_bundle: LoadedBundle) -> Callable[..., LoadedBundle]:
    """Return a function that gives the tiny bundle with other facts; at_mpp: of its members, as many as are given."""

    def changed(*, at_mpp: Sequence[float | None] | None = None, **facts: object) -> LoadedBundle:
        if at_mpp is not None:
            facts["members"] = [loaded_bundle.facts.members[0].model_copy(update={"mpp": mpp}) for mpp in at_mpp]
        checked = Bundle.model_validate(loaded_bundle.facts.model_dump() | facts)
        return LoadedBundle(loaded_bundle.folder, checked, loaded_bundle.hash)

    return changed


@pytest.fixture(scope="session")
def python() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs this Python anew, from any folder, with the project on its path."""

    def run(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200"}
        environment |= options.pop("env", {})
        command = [sys.executable, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, **options)

    return run


@pytest.fixture
def forbid(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Return a function after which nothing inside a folder may be looked at; root cannot be refused otherwise."""
    real = os.stat

    def forbidden(folder: Path) -> None:
        def refusing(path: object, *arguments: object, **options: object) -> os.stat_result:
            if isinstance(path, str | os.PathLike) and folder in Path(path).parents:
                raise PermissionError(13, "Permission denied", str(path))
            return real(path, *arguments, **options)

        monkeypatch.setattr(os, "stat", refusing)

    return forbidden


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """Give the root logger back what a command took away."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
