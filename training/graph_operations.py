"""Number of multiply-accumulate operations (MACs) of a TensorFlow graph with static shapes."""

import math
from collections.abc import Sequence
from typing import Any

from training.errors import ConversionError

_PRODUCTS = {"MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"}
_UNSUPPORTED = {"Einsum", "XlaDotV2", "Conv3D", "PartitionedCall", "StatefulPartitionedCall"}


def count_graph_macs(graph: Any) -> int:  # noqa: ANN401  (TensorFlow has no type annotations)
    """Count the MACs of matrix products and convolutions, like stream/model/macs.py for TensorFlow Lite models.

    Args:
        graph: Graph of a concrete function without unknown dimensions and without calls of other functions.

    Raises:
        ConversionError: The graph has an operation whose MACs cannot be counted here.
    """
    return sum(_operation_macs(operation) for operation in graph.get_operations())


def _operation_macs(operation: Any) -> int:  # noqa: ANN401  (TensorFlow has no type annotations)
    if operation.type in _UNSUPPORTED:
        raise ConversionError(f"the MACs of a {operation.type} cannot be counted: {operation.name}")
    if operation.type in _PRODUCTS:
        first, output = (_shape(tensor) for tensor in (operation.inputs[0], operation.outputs[0]))
        return math.prod(output) * (math.prod(first[-2:]) // output[-2])
    if operation.type == "Conv2D":
        filters, output = _shape(operation.inputs[1]), _shape(operation.outputs[0])
        return math.prod(output) * math.prod(filters[:3])
    return 0


def _shape(tensor: Any) -> Sequence[int]:  # noqa: ANN401  (TensorFlow has no type annotations)
    shape: list[int] = tensor.shape.as_list()
    return shape
