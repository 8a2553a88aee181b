"""Counts a model's multiply-accumulates from its graph, for an input of a given length.

The graph is run once at that length, so that every tensor has the shape it has in service, without the delegate that
would fuse its operations out of sight. Counted are the products of matrices and the convolutions; additions,
normalisations and activations are not, as is the custom where MACs are stated. A MAC is two floating-point operations.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stream.errors import BundleError

try:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType
except ImportError:  # 32-bit ARM, where LiteRT's predecessor is all there is
    from tflite_runtime.interpreter import Interpreter, OpResolverType

OPERATIONS_PER_MAC = 2
Shape = Sequence[int]


def count_macs(model: Path, lengths: Iterable[int]) -> dict[int, int]:
    """Count the multiply-accumulates of one inference over one row, at each of these lengths.

    Args:
        model: A TensorFlow Lite model with one input, int32 [batch, tokens].
        lengths: In tokens.

    Returns:
        MACs by length.

    Raises:
        BundleError: The model cannot be run, or holds an operation that multiplies and is not known here.
    """
    try:
        interpreter = Interpreter(
            str(model), experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        )
        return {length: _count_at(interpreter, length) for length in lengths}
    except (ValueError, RuntimeError) as error:
        raise BundleError(f"the operations of {model} cannot be counted: {error}") from error


def mean_macs(model: Path, lengths: Sequence[int]) -> float:
    """The mean over inputs of these lengths, in tokens; a transformer's count is a quadratic of the length."""
    counted = count_macs(model, [4, 6, 8])
    quadratic = np.polyfit(list(counted), list(counted.values()), 2)
    return float(np.polyval(quadratic, np.asarray(lengths)).mean())


def _count_at(interpreter: Any, length: int) -> int:  # noqa: ANN401  (LiteRT has no types)
    index = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(index, [1, length])
    interpreter.allocate_tensors()
    interpreter.set_tensor(index, np.ones((1, length), dtype=np.int32))
    interpreter.invoke()
    shapes = {tensor["index"]: tensor["shape"].tolist() for tensor in interpreter.get_tensor_details()}
    operators = interpreter._get_ops_details()  # noqa: SLF001  (nothing public tells of a graph's operators)
    return sum(_operator_macs(operator, shapes) for operator in operators)


def _operator_macs(operator: Mapping[str, Any], shapes: Mapping[int, Shape]) -> int:
    kind = operator["op_name"]
    if kind in _WITHOUT_PRODUCTS_IN_SIGHT:
        raise ValueError(f"{kind} hides what it multiplies")
    if kind not in _MACS:
        return 0
    first, second = (shapes[index] for index in operator["inputs"][:2])
    return _MACS[kind](first, second, shapes[operator["outputs"][0]])


def fully_connected_macs(_: Shape, weights: Shape, output: Shape) -> int:
    """A dense layer: weights of shape (outputs, inputs)."""
    return math.prod(output) * weights[-1]


def matrix_product_macs(first: Shape, _: Shape, output: Shape) -> int:
    """A batch of matrix products, (rows, inner) by (inner, columns), either of them transposed or not."""
    inner = math.prod(first[-2:]) // output[-2]
    return math.prod(output) * inner


def convolution_macs(_: Shape, filters: Shape, output: Shape) -> int:
    """A convolution: filters of shape (outputs, height, width, inputs)."""
    return math.prod(output) * math.prod(filters[1:])


def depthwise_convolution_macs(_: Shape, filters: Shape, output: Shape) -> int:
    """A convolution of each channel by itself: filters of shape (1, height, width, channels)."""
    return math.prod(output) * math.prod(filters[1:3])


_MACS = {
    "FULLY_CONNECTED": fully_connected_macs,
    "BATCH_MATMUL": matrix_product_macs,
    "CONV_2D": convolution_macs,
    "DEPTHWISE_CONV_2D": depthwise_convolution_macs,
}
_WITHOUT_PRODUCTS_IN_SIGHT = {
    "DELEGATE",
    "CUSTOM",
    "LSTM",
    "UNIDIRECTIONAL_SEQUENCE_LSTM",
    "RNN",
    "SVDF",
    "TRANSPOSE_CONV",
    "CONV_3D",
    "STABLEHLO_COMPOSITE",
    "WHILE",
    "IF",
}
