"""What this machine can do at most: its matmul rate, and how many operations a network is."""

import time

import numpy as np

import algorithm.engines.silence  # noqa: F401  # before openvino

import openvino as ov  # isort: skip
from openvino import opset13 as ops  # isort: skip

SIDE = 2048  # a matmul large enough to be limited by arithmetic alone
SECONDS = 1.5


def matmul_gflops(precision: str, threads: int) -> float:
    """Return the best rate of SIDE x SIDE matmuls, GFLOP/s, in the engine's own library and precision."""
    left = ops.parameter([SIDE, SIDE], ov.Type.f32)
    right = ops.constant(np.random.default_rng(0).standard_normal((SIDE, SIDE), np.float32))
    settings = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": str(threads),
        "NUM_STREAMS": "1",
    }
    compiled = ov.Core().compile_model(ov.Model([ops.matmul(left, right, False, False)], [left]), "CPU", settings)
    request, data = compiled.create_infer_request(), np.ones((SIDE, SIDE), np.float32)
    request.infer({0: data})
    best, end = float("inf"), time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        start = time.perf_counter()
        request.infer({0: data}, share_inputs=True)
        best = min(best, time.perf_counter() - start)
    return 2 * SIDE**3 / best / 1e9


def network_gflop(path: str) -> float:
    """Return the operations of one tile in the convolutions of an ONNX file, GFLOP (a multiply-add is two)."""
    total = 0.0
    for node in ov.Core().read_model(path).get_ordered_ops():
        if node.get_type_name() in ("Convolution", "GroupConvolution"):
            kernel = list(node.input(1).get_shape())
            # weights are (out, in, h, w), in groups (groups, out, in, h, w): what one output pixel costs
            per_output = np.prod(kernel[-3:])
            total += 2.0 * per_output * np.prod(list(node.output(0).get_shape()))
    return total / 1e9
