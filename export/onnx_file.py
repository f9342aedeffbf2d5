"""A network -> ONNX: static shape, uint8 tiles in, weights stored in FP16, arithmetic in FP32."""

import contextlib
import io
import logging
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnx.numpy_helper
import torch

from training.model import TileNetwork

OPSET = 18
HALVED_FROM = 64  # elements; smaller constants (means, shapes) stay as they are


def write_onnx(network: TileNetwork, path: Path, *, tile_px: int) -> None:
    """Write the network for one tile (1, tile_px, tile_px, 3) uint8; outputs `boxes` and `scores`, all in fp32."""
    tile = torch.zeros(1, tile_px, tile_px, 3, dtype=torch.uint8)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # deprecations inside of mmdet and torch's tracer
        torch.onnx.export(
            network.eval(),
            (tile,),
            str(path),
            input_names=["tiles"],
            output_names=["boxes", "scores"],
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def halve_weights(source: Path, target: Path) -> None:
    """Store the fp32 weights of an ONNX file in fp16, each cast back where it is used: half the size to ship."""
    model = onnx.load(source)
    graph = model.graph
    casts = []
    for weight in graph.initializer:
        values = onnx.numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < HALVED_FROM:
            continue
        name = weight.name
        weight.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}_fp16"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}_fp16"], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.metadata_props[:], model.metadata_props[:]
    for node in graph.node:  # the exporter notes the file and line of each call: paths of the machine it ran on
        del node.metadata_props[:]
        node.doc_string = ""
    onnx.checker.check_model(model)
    onnx.save(model, target)
