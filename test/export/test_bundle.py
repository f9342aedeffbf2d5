"""Checkpoint -> bundle, by the command: what comes out, and what is refused."""

import copy
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import onnx.numpy_helper
import pytest
import torch
from click.testing import CliRunner, Result

import export.bundle as export_bundle
from algorithm.bundle import Screen, load_bundle
from algorithm.engines.openvino import OpenvinoEngine
from algorithm.errors import BundleError
from export.agreement import tiles_of
from export.bundle import Wishes, joined_training, shape_of
from export.cli import main
from training.model import SCORE_FLOOR, TOP_K, Facts, TileNetwork, load_checkpoint

TILE_PX, PLACES = 128, 16 * 16 + 8 * 8 + 4 * 4


class Exported(NamedTuple):
    folder: Path
    result: Result
    member: Path
    model: onnx.ModelProto


@pytest.fixture(scope="module")
def exported(tmp_path_factory, export, checkpoint) -> Exported:
    folder = tmp_path_factory.mktemp("bundle") / "new"
    result = export(checkpoint, "--output", folder, "--tile", TILE_PX, "--name", "thin", "--version", "7")
    assert result.exit_code == 0, result.output
    [member] = folder.glob("*.onnx")
    return Exported(folder, result, member, onnx.load(member))


@pytest.fixture
def kept(tmp_path, exported) -> Callable[[], dict[str, bytes]]:
    """Return a function that gives the content of an earlier bundle, a copy of `exported`, at tmp_path/kept."""
    folder = tmp_path / "kept"
    shutil.copytree(exported.folder, folder)
    return lambda: {path.name: path.read_bytes() for path in folder.iterdir()}


# what comes out


def test_bundle_describes_its_member(exported, checkpoint):
    bundle = load_bundle(exported.folder)
    facts = bundle.facts
    assert (facts.name, facts.version, facts.licence) == ("thin", "7", "Apache-2.0")
    assert (facts.mpp, facts.box_um, facts.tile_px, facts.overlap_px) == (0.5, 16.0, TILE_PX, 64)
    assert facts.classes == ["mitotic figure"]
    assert [member.source for member in facts.members] == [checkpoint.name]
    assert facts.training == {"data": "none", "slides": []}
    assert facts.calibration.slope == 1
    assert facts.calibration.intercept == 0
    assert facts.views == [0]
    assert {path.name for path in exported.folder.iterdir()} == {"bundle.yaml", facts.members[0].file}
    assert facts.members[0].file == f"member-0-{facts.members[0].sha256[:8]}.onnx"


def test_agreement_with_torch_is_printed(exported):
    number = r"scores \d\.\de-\d\d, boxes \d\.\d{3} px"
    for what in ("fp32", "fp16 weights"):
        line = rf"^ema-0\.001\.pth: {what} against torch on 2 tile\(s\): {number}$"
        assert re.search(line, exported.result.output, re.M)
    assert re.search(r"new: thin 7, 1 member\(s\), \d\.\d MB$", exported.result.output, re.M)


def test_engine_says_what_torch_says(exported, checkpoint, tiles):
    network, _ = load_checkpoint(checkpoint)
    inner = TileNetwork(network, tile_px=TILE_PX, score_floor=0.05, top_k=1000).eval()
    [tile] = tiles_of(sorted(tiles.iterdir())[1:], tile_px=TILE_PX, mpp=0.5)
    with torch.inference_mode():
        boxes, scores = (tensor.numpy() for tensor in inner(torch.from_numpy(tile[None])))
    raw = OpenvinoEngine(exported.member, precision="f32", threads=1).infer(tile[None])
    assert raw.scores.shape == (1, PLACES)
    assert np.ptp(scores) > 0.05
    assert np.abs(raw.scores - scores).max() < 1e-2
    nearest = np.abs(raw.boxes[0][:, None] - boxes[0][None, :20]).max(axis=2).min(axis=0)
    assert nearest.max() < 0.5


def test_network_takes_bytes_and_gives_boxes_and_scores(exported):
    def described(value):
        return value.name, value.type.tensor_type.elem_type, [one.dim_value for one in value.type.tensor_type.shape.dim]

    graph, kind = exported.model.graph, onnx.TensorProto
    assert [described(value) for value in graph.input] == [("tiles", kind.UINT8, [1, TILE_PX, TILE_PX, 3])]
    assert [described(value) for value in graph.output] == [
        ("boxes", kind.FLOAT, [1, PLACES, 4]), ("scores", kind.FLOAT, [1, PLACES]),
    ]  # fmt: skip


def test_file_is_valid_onnx(exported):
    onnx.checker.check_model(exported.model, full_check=True)


def test_bytes_are_cast_before_anything_else(exported):
    [first] = [node for node in exported.model.graph.node if "tiles" in node.input]
    assert first.op_type == "Cast"
    assert [one.i for one in first.attribute if one.name == "to"] == [onnx.TensorProto.FLOAT]


def test_weights_are_stored_in_half_the_bytes(exported, checkpoint):
    network, _ = load_checkpoint(checkpoint)
    floats = sum(parameter.numel() for parameter in network.parameters())
    stored = {weight.name: onnx.numpy_helper.to_array(weight) for weight in exported.model.graph.initializer}
    halves = sum(values.size for values in stored.values() if values.dtype == np.float16)
    assert halves > 0.95 * floats
    assert all(values.size < 64 for values in stored.values() if values.dtype == np.float32)
    graph_bytes = (exported.member).stat().st_size - 2 * halves
    assert graph_bytes < 300_000  # nodes and small constants


def test_means_keep_their_precision(exported):
    stored = [onnx.numpy_helper.to_array(weight) for weight in exported.model.graph.initializer]
    means = np.float32([123.675, 116.28, 103.53])
    assert any(values.dtype == np.float32 and values.size == 3 and (values.ravel() == means).all() for values in stored)


def test_file_tells_nothing_of_the_machine_it_was_made_on(exported):
    content = (exported.member).read_bytes()
    for word in (b"site-packages", b".py", b"/home", b"/root", b"/tmp", b"/usr", str(Path.cwd()).encode()):
        assert word not in content, word
    assert not exported.model.metadata_props
    assert not exported.model.doc_string


def test_equal_checkpoint_gives_equal_bytes(exported, export, checkpoint, tmp_path):
    result = export(checkpoint, "--output", tmp_path, "--tile", TILE_PX, "--name", "thin", "--version", "7")
    assert result.exit_code == 0, result.output
    for path in exported.folder.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name


def test_two_members_at_0_25_um_replace_an_earlier_bundle(export, write_checkpoint, kept, tmp_path):
    paths = [write_checkpoint(tmp_path / f"ema-{seed}.pth", mpp=0.25, seed=seed) for seed in (1, 2)]
    before = kept()
    screen = ("--ensemble", "screen", "--screen-from", 0.3, "--again-from", 0.4, "--cell", 128)
    result = export(*paths, "--output", tmp_path / "kept", "--tile", 160, "--views", 2, *screen)
    assert result.exit_code == 0, result.output
    bundle = load_bundle(tmp_path / "kept")
    assert (bundle.facts.mpp, bundle.facts.tile_px, bundle.facts.overlap_px) == (0.25, 160, 128)
    assert bundle.facts.views == [0, 1]
    assert bundle.facts.ensemble == "screen" and bundle.facts.screen == Screen(
        from_score=0.3, again_score=0.4, cell_px=128
    )
    assert [member.source for member in bundle.facts.members] == ["ema-1.pth", "ema-2.pth"]
    assert set(kept()) == {"bundle.yaml", *(member.file for member in bundle.facts.members)}
    assert set(kept()) & set(before) == {"bundle.yaml"}
    for member in (0, 1):
        assert OpenvinoEngine(bundle.member_path(member), precision="f32", threads=1).tile_px == 160


def test_bundle_was_trained_on_what_any_of_its_members_was():
    one = {"slides": ["H03", "H05"], "data_sets": ["mitos14"], "held_back": ["H07", "H14"], "seed": 0, "batch": 16}
    two = {"slides": ["H03", "H07"], "data_sets": ["tupac"], "held_back": ["H14", "H05"], "seed": 1, "batch": 16}
    joined = joined_training([one, two])
    assert joined == {
        "slides": ["H03", "H05", "H07"], "data_sets": ["mitos14", "tupac"], "glasses": [], "held_back": ["H14"],
        "batch": 16,
        "members": [
            {"held_back": ["H07", "H14"], "seed": 0,
             "left_out": {"data_sets": ["tupac"], "slides": ["H07"], "glasses": []}},
            {"held_back": ["H14", "H05"], "seed": 1,
             "left_out": {"data_sets": ["mitos14"], "slides": ["H05"], "glasses": []}},
        ],
    }  # fmt: skip
    assert joined_training([one, dict(one)]) == one


# what is refused


def test_export_that_differs_from_torch_is_refused_and_the_old_bundle_stays(
    export, checkpoint, kept, tmp_path, monkeypatch
):
    right = export_bundle.write_onnx

    def wrong(network, path, *, tile_px):
        changed = copy.deepcopy(network)
        with torch.no_grad():
            for layer in changed.network.bbox_head.rtm_cls:
                layer.bias += 0.2  # scores around 0.5 move by about 0.05
        right(changed, path, tile_px=tile_px)

    monkeypatch.setattr(export_bundle, "write_onnx", wrong)
    before = kept()
    result = export(checkpoint, "--output", tmp_path / "kept", "--tile", TILE_PX)
    assert result.exit_code == 3
    message = r"error: .*ema-0\.001\.pth \(fp32\): scores differ from torch by [45]\.\d\de-02 \(limit 1e-03\)"
    assert re.search(message, result.stderr)
    assert kept() == before


def test_members_of_two_scales_keep_their_own(export, checkpoint, write_checkpoint, tmp_path):
    other = write_checkpoint(tmp_path / "ema-other.pth", mpp=0.25)
    result = export(checkpoint, other, "--output", tmp_path / "two", "--tile", 256, "--ensemble", "screen")
    assert result.exit_code == 0, result.output
    bundle = load_bundle(tmp_path / "two")
    assert (bundle.facts.mpp, [one.mpp for one in bundle.facts.members]) == (0.5, [None, 0.25])
    assert [bundle.facts.of_members([number]).screen.cell_px for number in (0, 1)] == [96, 192]


@pytest.mark.parametrize(
    ("options", "mpp", "message"),
    [
        (("--cell", 64), 0.4, "--cell 64 is 80 px at the 0.4 um/px of a member; give one that is a multiple of 32"),
        (("--cell", 96), 0.3, "--cell 96 is 160 px at the 0.3 um/px of a member; give one that fits --tile 128 there"),
        (("--cell", 64), 0.25, "--tile 128: at the 0.25 um/px of a member an overlap has 128 px; give more"),
        (("--ensemble", "full"), 0.25, "checkpoints of several scales (0.5, 0.25): give --ensemble screen"),
    ],
)
def test_tiles_and_cells_that_do_not_fit_the_scale_of_a_member_are_refused(
    export, checkpoint, write_checkpoint, kept, tmp_path, options, mpp, message
):
    other = write_checkpoint(tmp_path / "ema-other.pth", mpp=mpp)
    before = kept()
    result = export(checkpoint, other, "--output", tmp_path / "kept", "--tile", 128, "--ensemble", "screen", *options)
    assert result.exit_code == 3
    assert message in result.stderr
    assert "against torch" not in result.output
    assert kept() == before


def test_members_with_other_boxes_are_refused_before_any_export(export, checkpoint, write_checkpoint, kept, tmp_path):
    other = write_checkpoint(tmp_path / "ema-other.pth", box_um=12.0)
    before = kept()
    result = export(checkpoint, other, "--output", tmp_path / "kept", "--tile", TILE_PX)
    assert result.exit_code == 3
    assert f"{other}: box_um is 12.0, that of {checkpoint} is 16.0; members of a bundle have to agree" in result.stderr
    assert "against torch" not in result.output
    assert kept() == before


def test_network_that_reports_nothing_cannot_be_compared(export, write_checkpoint, tmp_path):
    silent = write_checkpoint(tmp_path / "ema-silent.pth", bias=-20.0)
    result = export(silent, "--output", tmp_path / "new", "--tile", TILE_PX)
    assert result.exit_code == 3
    assert "the network reports nothing on any tile" in result.stderr
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("tile", [100, 64])
def test_tile_that_does_not_fit_is_refused(export, checkpoint, tmp_path, tile):
    result = export(checkpoint, "--output", tmp_path / "new", "--tile", tile)
    assert result.exit_code == 3
    assert result.stderr == f"error: --tile {tile}: give a multiple of 32 above 64, the overlap of two boxes\n"
    assert not (tmp_path / "new").exists()


def test_file_that_is_no_checkpoint_is_refused(export, tmp_path):
    (tmp_path / "ema.pth").write_text("nothing")
    result = export(tmp_path / "ema.pth", "--output", tmp_path / "new")
    assert result.exit_code == 3
    assert "not an EMA checkpoint" in result.stderr
    assert export(tmp_path / "absent.pth", "--output", tmp_path / "new").exit_code == 3


def test_folder_without_images_to_compare_on_is_refused(export, checkpoint, tmp_path):
    (tmp_path / "none").mkdir()
    result = CliRunner().invoke(main, ["bundle", str(checkpoint), "--tiles", str(tmp_path / "none")])
    assert result.exit_code == 2
    assert result.stderr == f"error: {tmp_path}/none: no image to compare on\n"


# how tiles are cut unless one is asked for


@pytest.mark.parametrize(
    ("mpp", "box_um", "tile_px", "overlap_px"),
    [(0.5, 16.0, 960, 64), (0.25, 16.0, 1920, 128), (0.35, 16.0, 1376, 92), (0.5, 24.0, 960, 96)],
)
def test_tile_and_overlap_follow_from_resolution_and_box(mpp, box_um, tile_px, overlap_px):
    shape = shape_of(Wishes(), Facts(mpp, box_um, ["mitotic figure"], "", {}, {}))
    assert (shape.tile_px, shape.overlap_px) == (tile_px, overlap_px)
    assert shape.overlap_px >= 2 * box_um / mpp  # as a bundle demands
    assert (shape.score_floor, shape.top_k, shape.views, shape.ensemble) == (SCORE_FLOOR, TOP_K, 1, "full")


@pytest.mark.parametrize(
    ("mpp", "tile_px", "cell_px"), [(0.5, 960, 96), (0.375, 1280, 128), (0.25, 1920, 192), (0.35, 96, 96)]
)
def test_cell_is_48_um_on_the_grid_of_the_network(mpp, tile_px, cell_px):
    shape = shape_of(Wishes(tile_px=tile_px), Facts(mpp, 16.0, ["mitotic figure"], "", {}, {}))
    assert shape.screen == Screen(from_score=0.2, again_score=0.3, cell_px=cell_px)


@pytest.mark.parametrize("cell_px", [32, 63, 100, 288])
def test_cell_that_does_not_fit_is_refused(cell_px):
    with pytest.raises(
        BundleError, match=f"--cell {cell_px}: give a multiple of 32 from 64, two boxes, to 256, a tile"
    ):
        shape_of(Wishes(tile_px=256, cell_px=cell_px), Facts(0.5, 16.0, ["mitotic figure"], "", {}, {}))


def test_wishes_win_over_what_follows():
    wishes = Wishes(tile_px=256, score_floor=0.0, top_k=5, mpp_tolerance=0.0, fusion_radius_um=3.0, views=8)
    shape = shape_of(wishes, Facts(0.5, 16.0, ["mitotic figure"], "", {}, {}))
    assert (shape.tile_px, shape.score_floor, shape.top_k, shape.views) == (256, 0.0, 5, 8)
    assert (shape.mpp_tolerance, shape.fusion_radius_um) == (0.0, 3.0)
