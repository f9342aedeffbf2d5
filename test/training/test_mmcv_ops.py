import importlib.util
import subprocess
import sys

import numpy as np
import pytest
import torch

import training.mmcv_ops

operations = sys.modules["mmcv._ext"]


def plain_nms(boxes: np.ndarray, scores: np.ndarray, iou_threshold: float, offset: int) -> list[int]:
    """Return what is kept, by the definition: one box after the other, against each that was kept."""

    def iou(a: np.ndarray, b: np.ndarray) -> float:
        sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]) + offset
        shared = float(np.prod(np.maximum(sides, 0)))
        return shared / (float(np.prod(a[2:] - a[:2] + offset)) + float(np.prod(b[2:] - b[:2] + offset)) - shared)

    kept: list[int] = []
    for number in np.argsort(-scores):
        if all(iou(boxes[number], boxes[one]) <= iou_threshold for one in kept):
            kept.append(int(number))
    return kept


@pytest.mark.skipif(not isinstance(operations, training.mmcv_ops._Operations), reason="mmcv with compiled ops is here")
class TestWithoutCompiledOperations:
    @pytest.mark.parametrize("seed", range(6))
    @pytest.mark.parametrize("offset", [0, 1])
    def test_suppression_agrees_with_its_definition(self, seed, offset):
        rng = np.random.default_rng(seed)
        corners = rng.uniform(0, 60, (80, 2))
        boxes = np.hstack([corners, corners + rng.uniform(5, 40, (80, 2))]).astype(np.float64)
        scores = rng.permutation(80) / 80.0
        kept = operations.nms(torch.from_numpy(boxes), torch.from_numpy(scores), 0.4, offset)
        assert kept.dtype == torch.int64
        assert kept.tolist() == plain_nms(boxes, scores, 0.4, offset)

    def test_nothing_in_gives_nothing_out(self):
        kept = operations.nms(torch.empty(0, 4), torch.empty(0), 0.5, 0)
        assert kept.shape == (0,)
        assert kept.dtype == torch.int64

    def test_mmcv_uses_it(self):
        from mmcv.ops import batched_nms, nms

        boxes = torch.tensor([[0.0, 0, 10, 10], [1, 1, 11, 11], [30, 30, 40, 40]])
        scores = torch.tensor([0.5, 0.9, 0.4])
        assert nms(boxes, scores, 0.5)[1].tolist() == [1, 2]
        dets, kept = batched_nms(boxes, scores, torch.zeros(3), {"type": "nms", "iou_threshold": 0.5})
        assert kept.tolist() == [1, 2]
        assert dets[:, 4].tolist() == pytest.approx([0.9, 0.4])

    def test_any_other_operation_says_that_it_is_missing_when_it_is_called(self):
        forward = operations.deform_conv_forward
        with pytest.raises(NotImplementedError, match=r"mmcv\._ext\.deform_conv_forward is a compiled operation"):
            forward(1, offset=2)

    def test_module_looks_like_one_to_the_import_system(self):
        assert importlib.util.find_spec("mmcv._ext") is operations.__spec__
        with pytest.raises(AttributeError):
            _ = operations.__path__


@pytest.mark.parametrize("name", ["classifier", "model", "run", "targets"])
def test_a_process_may_begin_with_any_module_that_takes_from_mmdet(name, pytestconfig):
    """mmdet.models cannot be imported before the stand-in is there, and a test that ran before has put it there."""
    command = [sys.executable, "-W", "ignore", "-c", f"import training.{name}"]
    run = subprocess.run(command, cwd=pytestconfig.rootpath, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stderr
