"""Number of multiply-accumulates (MACs) of a model, counted in its graph for an input of a given length.

The graph is run once at that length, so that each tensor has the shape that it has in service, and without the delegate
that would fuse its operators. Matrix products and convolutions are counted; additions, normalisations and activations
are not, as is usual where MACs are stated. A MAC is two floating-point operations.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stream.errors import BundleError
from stream.model.operators import Kind, Operator, read_operators

try:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType
except ImportError:  # 32-bit ARM, where LiteRT's predecessor is all there is
    from tflite_runtime.interpreter import Interpreter, OpResolverType

OPERATIONS_PER_MAC = 2
Shape = Sequence[int]


def count_macs(model: Path, lengths: Iterable[int]) -> dict[int, int]:
    """Count the MACs of one inference on one row, at each of these lengths.

    Args:
        model: A TensorFlow Lite model; each of its inputs is int32 [batch, tokens].
        lengths: Lengths in tokens.

    Returns:
        MACs by length.

    Raises:
        BundleError: The model cannot be run, or has an operator whose products cannot be counted.
    """
    try:
        operators = read_operators(model.read_bytes())
        interpreter = Interpreter(
            str(model), experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        )
        return {length: _count_at(interpreter, operators, length) for length in lengths}
    except (OSError, ValueError, RuntimeError) as error:
        raise BundleError(f"the operations of {model} cannot be counted: {error}") from error


def mean_macs(model: Path, lengths: Sequence[int]) -> float:
    """Return the mean over inputs of these lengths, in tokens; a transformer's count is quadratic in the length."""
    counted = count_macs(model, [4, 6, 8])
    quadratic = np.polyfit(list(counted), list(counted.values()), 2)
    return float(np.polyval(quadratic, np.asarray(lengths)).mean())


def _count_at(interpreter: Any, operators: Iterable[Operator], length: int) -> int:  # noqa: ANN401  (LiteRT has no types)
    inputs = [tensor["index"] for tensor in interpreter.get_input_details()]
    for index in inputs:
        interpreter.resize_tensor_input(index, [1, length])
    interpreter.allocate_tensors()
    for index in inputs:  # 1 is an id and a token type
        interpreter.set_tensor(index, np.ones((1, length), dtype=np.int32))
    interpreter.invoke()
    shapes = {tensor["index"]: tensor["shape"].tolist() for tensor in interpreter.get_tensor_details()}
    return sum(_operator_macs(operator, shapes) for operator in operators)


def _operator_macs(operator: Operator, shapes: Mapping[int, Shape]) -> int:
    if operator.code in _WITHOUT_VISIBLE_PRODUCTS:
        raise ValueError(f"the products within {Kind(operator.code).name} cannot be seen")
    if operator.code not in _MACS:
        return 0
    first, second = (shapes[index] for index in operator.inputs[:2])
    return _MACS[operator.code](first, second, shapes[operator.outputs[0]])


def fully_connected_macs(_: Shape, weights: Shape, output: Shape) -> int:
    """Count a dense layer; weights of shape (outputs, inputs)."""
    return math.prod(output) * weights[-1]


def matrix_product_macs(first: Shape, _: Shape, output: Shape) -> int:
    """Count a batch of matrix products, (rows, inner) by (inner, columns), either of them transposed or not."""
    inner = math.prod(first[-2:]) // output[-2]
    return math.prod(output) * inner


def convolution_macs(_: Shape, filters: Shape, output: Shape) -> int:
    """Count a convolution; filters of shape (outputs, height, width, inputs)."""
    return math.prod(output) * math.prod(filters[1:])


def depthwise_convolution_macs(_: Shape, filters: Shape, output: Shape) -> int:
    """Count a depthwise convolution; filters of shape (1, height, width, channels)."""
    return math.prod(output) * math.prod(filters[1:3])


_MACS: dict[int, Callable[[Shape, Shape, Shape], int]] = {
    Kind.FULLY_CONNECTED: fully_connected_macs,
    Kind.BATCH_MATMUL: matrix_product_macs,
    Kind.CONV_2D: convolution_macs,
    Kind.DEPTHWISE_CONV_2D: depthwise_convolution_macs,
}
_WITHOUT_VISIBLE_PRODUCTS = frozenset(Kind) - frozenset(_MACS)
