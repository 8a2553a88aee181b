"""Counts the multiply-accumulates of a TensorFlow graph whose shapes are all known."""

import math
from collections.abc import Sequence
from typing import Any

from training.errors import ConversionError

_PRODUCTS = {"MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3"}
_HIDES = {"Einsum", "XlaDotV2", "Conv3D"}


def count_graph_macs(graph: Any) -> int:  # noqa: ANN401  (TensorFlow has no types)
    """Count products of matrices and convolutions, as stream/experiment/operations.py does in a TensorFlow Lite model.

    Args:
        graph: That of a concrete function, without dimensions that are left open.

    Raises:
        ConversionError: It holds an operation that multiplies and is not known here.
    """
    return sum(_operation_macs(operation) for operation in _operations(graph))


def _operations(graph: Any) -> list[Any]:  # noqa: ANN401
    """All operations, those within called functions too."""
    found = list(graph.get_operations())
    for operation in graph.get_operations():
        if operation.type in {"PartitionedCall", "StatefulPartitionedCall"}:
            found += _operations(graph._get_function(operation.get_attr("f").name).graph)  # noqa: SLF001
    return found


def _operation_macs(operation: Any) -> int:  # noqa: ANN401
    if operation.type in _HIDES:
        raise ConversionError(f"the operations of a {operation.type} are not counted: {operation.name}")
    if operation.type in _PRODUCTS:
        first, output = (_shape(tensor) for tensor in (operation.inputs[0], operation.outputs[0]))
        return math.prod(output) * (math.prod(first[-2:]) // output[-2])
    if operation.type == "Conv2D":
        filters, output = _shape(operation.inputs[1]), _shape(operation.outputs[0])
        return math.prod(output) * math.prod(filters[:3])
    return 0


def _shape(tensor: Any) -> Sequence[int]:  # noqa: ANN401
    shape: list[int] = tensor.shape.as_list()
    return shape
