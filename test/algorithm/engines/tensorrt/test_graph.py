"""The typed graph computes what the member computes, for several tiles at once."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from algorithm.bundle import load_bundle
from algorithm.engines.tensorrt.graph import MOST_K, convolutions, half_weights, typed
from algorithm.images import open_image

ROOT = Path(__file__).resolve().parents[4]
[SAMPLE] = (ROOT / "test/input/interf0/images").rglob("*.tif")
SCORE_LIMIT, BOX_LIMIT_PX = 1e-2, 0.5


@pytest.fixture(scope="module")
def bundle():
    return load_bundle(ROOT / "model")


@pytest.fixture(scope="module")
def member(bundle) -> onnx.ModelProto:
    return onnx.load(bundle.member_path(0))


@pytest.fixture(scope="module")
def halves(member) -> onnx.ModelProto:
    return typed(member, batch=2)


def run(model, tiles):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(["boxes", "scores"], {"tiles": tiles})


def test_two_tiles_at_once_in_half_precision_are_what_each_is_alone(bundle, member, halves):
    side = bundle.facts.tile_px
    with open_image(SAMPLE) as image:
        corners = [(0, 0), (image.size[0] - side, image.size[1] - side)]
        tiles = np.stack([image.read(x, y, side, side) for x, y in corners])
    boxes, scores = run(halves, tiles)
    for number, tile in enumerate(tiles):
        [wanted_boxes], [wanted] = run(member, tile[None])
        floor = bundle.facts.score_floor
        ranked = np.maximum(scores[number], floor) - np.maximum(wanted[: scores.shape[1]], floor)
        assert np.abs(ranked).max() < SCORE_LIMIT
        sure = wanted_boxes[wanted > 0.2]
        assert len(sure) > 10
        nearest = np.abs(boxes[number][:, None] - sure[None]).max(axis=2).min(axis=0)
        assert nearest.max() < BOX_LIMIT_PX


def test_every_convolution_is_in_half_precision_and_the_ends_are_not(member, halves):
    assert sum(half_weights(halves)) == convolutions(member) > 50
    assert not any(half_weights(member)), "the member itself casts its weights"
    types = {value.name: value.type.tensor_type.elem_type for value in (*halves.graph.input, *halves.graph.output)}
    assert types == {"tiles": 2, "boxes": 1, "scores": 1}
    inferred = onnx.shape_inference.infer_shapes(halves)
    of_value = {value.name: value.type.tensor_type.elem_type for value in inferred.graph.value_info}
    [topk] = [node for node in halves.graph.node if node.op_type == "TopK"]
    assert of_value[topk.input[0]] == onnx.TensorProto.FLOAT


def test_no_more_boxes_are_kept_than_tensorrt_can_sort(bundle, halves):
    assert bundle.facts.top_k > MOST_K, "else this test says nothing"
    assert [dimension.dim_value for dimension in halves.graph.output[1].type.tensor_type.shape.dim] == [2, MOST_K]


def test_the_member_itself_is_left_alone(member):
    before = member.SerializeToString()
    typed(member, batch=4)
    assert member.SerializeToString() == before


def test_a_graph_that_is_not_made_for_one_tile_is_refused(halves):
    with pytest.raises(ValueError, match="tiles is not made for one tile"):
        typed(halves, batch=2)


BUILD = """
import sys, tensorrt_rtx_bindings as trt
sys.modules["tensorrt"] = trt
import onnx
from algorithm.engines.tensorrt.build import parsed, typed_member
from algorithm.engines.tensorrt.logger import Logger
from pathlib import Path
logger = Logger()
builder = trt.Builder(logger)
model = typed_member(Path(sys.argv[1]), batch=2) if sys.argv[2] == "typed" else onnx.load(sys.argv[1])
if sys.argv[2] != "typed":  # as it ships: all in fp32, and more boxes than TensorRT sorts
    import algorithm.engines.tensorrt.build as build
    build.convolutions = lambda model: 0
network, parser = parsed(builder, logger, model)
config = builder.create_builder_config()
config.num_compute_capabilities = 1
config.set_compute_capability(trt.ComputeCapability.SM75, 0)
plan = builder.build_serialized_network(network, config)
print("refused: " + logger.last_error if plan is None else f"built {len(bytes(plan))} bytes")
"""


@pytest.mark.parametrize(("what", "said"), [("typed", "built "), ("shipped", "refused: .*exceeds the maximum")])
def test_the_builder_of_the_same_family_builds_it_for_a_t4(bundle, what, said):
    pytest.importorskip("tensorrt_rtx_bindings", reason="tensorrt-rtx-cu12-bindings is not installed")
    command = [sys.executable, "-c", BUILD, str(bundle.member_path(0)), what]
    ended = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, check=False
    )  # its libraries stay out of here
    assert ended.returncode == 0, ended.stderr
    pytest.importorskip("re").search(said, ended.stdout) or pytest.fail(ended.stdout)
