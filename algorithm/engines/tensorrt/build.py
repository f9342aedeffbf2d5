"""ONNX -> plan: strongly typed, in half precision, for the GPU at hand. Needs onnx beside TensorRT."""

from pathlib import Path

import onnx
import tensorrt as trt

from algorithm.atomic import write_bytes
from algorithm.engines.tensorrt import cuda
from algorithm.engines.tensorrt.graph import convolutions, half_weights, typed
from algorithm.engines.tensorrt.logger import Logger
from algorithm.engines.tensorrt.plans import Plan
from algorithm.errors import BundleError, EngineError

WORKSPACE_BYTES = 2 * 2**30  # scratch of a kernel; a T4 has 16 GB


def build(member: Path, folder: Path, *, batch: int) -> Path:
    """Build a member's plan for `batch` tiles into a folder and return it. Takes a minute or two.

    Kernels that were timed before on such a GPU are not timed again: the folder keeps TensorRT's timing cache.
    Raises EngineError when TensorRT cannot build it, BundleError when the member is no network of export/.
    """
    cuda.device_name()  # its message is clearer than TensorRT's
    plan = Plan(member.stem, cuda.architecture(), trt.__version__, batch)
    logger = Logger()
    builder = trt.Builder(logger)
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, WORKSPACE_BYTES)
    timings = folder / f"timings.sm{plan.arch}.trt{plan.version}.cache"
    cache = config.create_timing_cache(timings.read_bytes() if timings.exists() else b"")
    config.set_timing_cache(cache, False)
    network, parser = parsed(builder, logger, typed_member(member, batch=batch))
    serialized = builder.build_serialized_network(network, config)
    del parser  # it owns the weights that the network uses
    if serialized is None:
        raise EngineError(f"{member}: TensorRT {plan.version} cannot build it ({logger.last_error})")
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes(folder / plan.name, bytes(serialized))
    write_bytes(timings, bytes(config.get_timing_cache().serialize()))
    return folder / plan.name


def typed_member(member: Path, *, batch: int) -> onnx.ModelProto:
    """Return a member's graph as TensorRT gets it. Raises BundleError."""
    try:
        model = typed(onnx.load(member), batch=batch)
    except Exception as error:  # protobuf's, onnx's and our own
        raise BundleError(f"{member}: not a network that export/ wrote ({error})") from error
    if not all(half_weights(model)):
        raise BundleError(f"{member}: {list(half_weights(model)).count(False)} convolutions are not in half precision")
    return model


def parsed(
    builder: trt.Builder, logger: Logger, model: onnx.ModelProto
) -> tuple[trt.INetworkDefinition, trt.OnnxParser]:
    """Return TensorRT's network of a typed graph, and the parser, which has to live as long as it.

    Raises EngineError when it cannot be parsed, or a convolution came out in another precision than the graph says.
    """
    strongly_typed = 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    network = builder.create_network(strongly_typed)
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(model.SerializeToString()):
        reasons = "; ".join(parser.get_error(number).desc() for number in range(parser.num_errors))
        raise EngineError(f"TensorRT {trt.__version__} cannot parse the network ({reasons})")
    wanted, halves = convolutions(model), _half_convolutions(network)
    if halves != wanted:
        raise EngineError(f"TensorRT computes {halves} of {wanted} convolutions in half precision")
    return network, parser


def _half_convolutions(network: trt.INetworkDefinition) -> int:
    layers = [network.get_layer(number) for number in range(network.num_layers)]
    return sum(
        layer.type == trt.LayerType.CONVOLUTION and layer.get_output(0).dtype == trt.DataType.HALF for layer in layers
    )
