"""A member's ONNX as TensorRT wants it: several tiles at once, and every type written into the graph.

TensorRT 11 knows no FP16 flag any more, and 10.16 builds strongly typed networks as well: what is computed in half
precision is what the graph says. Here that is all between the first and the last convolution. Normalisation before it,
and sigmoid, top-K and decoding after it stay in fp32: half a pixel matters, and fp16 has steps of 1 px above 1024.
"""

from collections.abc import Iterator

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper, shape_inference

MOST_K = 3840  # TensorRT's limit of TopK; what lies beyond was below the floor, or the pass is logged as full
FLOAT, HALF = TensorProto.FLOAT, TensorProto.FLOAT16
NOT_DATA = {"Resize": (1, 2, 3), "BatchNormalization": ()}  # inputs that stay fp32: scales of a resize


def typed(model: onnx.ModelProto, *, batch: int) -> onnx.ModelProto:
    """Return a copy for `batch` tiles: uint8 (batch, tile, tile, 3) in, fp32 boxes and scores out.

    Raises ValueError when the graph is not one that export/ writes.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    _widen_weights(graph)
    _keep_fewer(graph)
    _fold_flattened_means(graph)
    _for_batch(graph, batch)
    del graph.value_info[:]
    return _halved(copy)


def convolutions(model: onnx.ModelProto) -> int:
    """Return how many there are, which a built network must have in half precision."""
    return sum(node.op_type == "Conv" for node in model.graph.node)


def _widen_weights(graph: onnx.GraphProto) -> None:
    """Make fp32 constants of weights that are stored in fp16 and cast where they are used."""
    stored = _constants(graph)
    casts = [node for node in graph.node if node.op_type == "Cast" and node.input[0] in stored]
    for node in casts:
        weight = stored[node.input[0]]
        wide = numpy_helper.to_array(weight).astype(np.float32)
        weight.CopyFrom(numpy_helper.from_array(wide, node.output[0]))
        graph.node.remove(node)


def _keep_fewer(graph: onnx.GraphProto) -> None:
    """Lower the number of boxes to what TensorRT can sort."""
    [topk] = [node for node in graph.node if node.op_type == "TopK"]
    count = _constants(graph)[topk.input[1]]
    had = int(numpy_helper.to_array(count)[0])
    if had <= MOST_K:
        return
    count.CopyFrom(numpy_helper.from_array(np.array([MOST_K], np.int64), count.name))
    for constant in graph.initializer:
        if had in constant.dims and constant.data_type == FLOAT:  # the zeros that stand in for scores below the floor
            array = numpy_helper.to_array(constant).take(np.arange(MOST_K), axis=list(constant.dims).index(had))
            constant.CopyFrom(numpy_helper.from_array(array, constant.name))
    for output in graph.output:
        output.type.tensor_type.shape.dim[1].dim_value = MOST_K


def _fold_flattened_means(graph: onnx.GraphProto) -> None:
    """Drop what torch's exporter makes of a pooled (1, n, 1, 1): flattened, and gathered into the same shape again.

    It is nothing for one tile, and wrong for several.
    """
    constants, made_by = _constants(graph), {name: node for node in graph.node for name in node.output}
    for gather in [node for node in graph.node if node.op_type == "Gather" and node.input[1] in constants]:
        flat = made_by.get(gather.input[0])
        order = numpy_helper.to_array(constants[gather.input[1]])
        is_same = order.ndim == 4 and np.array_equal(order.ravel(), np.arange(order.size))
        if flat is None or flat.op_type != "Reshape" or not is_same:
            continue
        for node in graph.node:
            _rename_inputs(node, {gather.output[0]: flat.input[0]})
        graph.node.remove(gather)
        if not any(flat.output[0] in node.input for node in graph.node):
            graph.node.remove(flat)


def _for_batch(graph: onnx.GraphProto, batch: int) -> None:
    """Give inputs, outputs and the shapes of reshapes and expansions another first dimension."""
    for value in (*graph.input, *graph.output):
        first = value.type.tensor_type.shape.dim[0]
        if first.dim_value != 1:
            raise ValueError(f"{value.name} is not made for one tile")
        first.dim_value = batch
    constants = _constants(graph)
    shapes = {node.input[1] for node in graph.node if node.op_type == "Reshape"}
    for name in shapes & constants.keys():
        shape = numpy_helper.to_array(constants[name]).copy()
        if shape[0] == 1:
            shape[0] = batch
            constants[name].CopyFrom(numpy_helper.from_array(shape, name))


def _halved(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with casts around, and fp16 constants within, what lies between convolutions."""
    inferred = shape_inference.infer_shapes(model, strict_mode=True)
    graph = inferred.graph
    is_float = {value.name for value in graph.value_info if value.type.tensor_type.elem_type == FLOAT}
    halves = _between_convolutions(graph)
    half_values = {name for number in halves for name in graph.node[number].output}
    constants = _constants(graph)
    added: dict[str, TensorProto] = {}
    nodes: list[onnx.NodeProto] = []
    for number, node in enumerate(graph.node):
        renamed = {}
        for place, name in enumerate(node.input):
            if number in halves and place not in NOT_DATA.get(node.op_type, ()):
                if name in constants and constants[name].data_type == FLOAT:
                    renamed[name] = _half_constant(constants[name], added)
                elif name in is_float and name not in half_values:
                    renamed[name] = _cast(name, HALF, nodes)
            elif number not in halves and name in half_values and name in is_float:
                renamed[name] = _cast(name, FLOAT, nodes)
        _rename_inputs(node, renamed)
        nodes.append(node)
    del graph.node[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend(added.values())
    _drop_unused(graph)
    onnx.checker.check_model(inferred, full_check=True)
    return inferred


def _between_convolutions(graph: onnx.GraphProto) -> set[int]:
    """Return the numbers of the convolutions, and of the nodes that have one before and one after them."""
    after: set[str] = set()  # values that come after a convolution
    before: set[str] = set()  # values that a convolution comes after
    behind, ahead = set(), set()
    for number, node in enumerate(graph.node):
        if node.op_type == "Conv" or after & set(node.input):
            behind.add(number)
            after |= set(node.output)
    for number, node in reversed(list(enumerate(graph.node))):
        if node.op_type == "Conv" or before & set(node.output):
            ahead.add(number)
            before |= set(node.input)
    return behind & ahead


def _half_constant(constant: TensorProto, added: dict[str, TensorProto]) -> str:
    """Return the name of its copy in fp16."""
    name = f"{constant.name}_half"
    if name not in added:
        values: NDArray[np.float16] = numpy_helper.to_array(constant).astype(np.float16)
        if not np.isfinite(values).all():
            raise ValueError(f"{constant.name} does not fit into half precision")
        added[name] = numpy_helper.from_array(values, name)
    return name


def _cast(name: str, to: int, nodes: list[onnx.NodeProto]) -> str:
    """Return the name of a value in another type; its cast is among the nodes, once."""
    other = f"{name}_{'half' if to == HALF else 'full'}"
    if not any(other in node.output for node in nodes):
        nodes.append(helper.make_node("Cast", [name], [other], name=other, to=to))
    return other


def _rename_inputs(node: onnx.NodeProto, names: dict[str, str]) -> None:
    for place, name in enumerate(node.input):
        if name in names:
            node.input[place] = names[name]


def _drop_unused(graph: onnx.GraphProto) -> None:
    used = {name for node in graph.node for name in node.input}
    for constant in [constant for constant in graph.initializer if constant.name not in used]:
        graph.initializer.remove(constant)


def _constants(graph: onnx.GraphProto) -> dict[str, TensorProto]:
    return {constant.name: constant for constant in graph.initializer}


def half_weights(model: onnx.ModelProto) -> Iterator[bool]:
    """Yield for each convolution whether its weights are in half precision."""
    constants = _constants(model.graph)
    for node in model.graph.node:
        if node.op_type == "Conv":
            weights = constants.get(node.input[1])
            yield weights is not None and weights.data_type == HALF
