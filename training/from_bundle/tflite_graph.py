"""Reader for the operations and constants of a TensorFlow Lite file."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from training.checkpoint import Array

_KINDS = {number: name for name, number in vars(schema.BuiltinOperator).items() if isinstance(number, int)}
_TYPES = {
    schema.TensorType.FLOAT32: np.float32,
    schema.TensorType.FLOAT16: np.float16,
    schema.TensorType.INT8: np.int8,
}


@dataclass(frozen=True)
class Operation:
    """Operation of a graph with the indices of its tensors."""

    kind: str
    """Name in TensorFlow Lite, for example `FULLY_CONNECTED`."""
    inputs: tuple[int, ...]
    """Indices of the input tensors; -1 for an omitted optional input."""
    output: int


class Graph:
    """First graph of a model.

    Args:
        path: TensorFlow Lite file.
    """

    def __init__(self, path: Path) -> None:
        self._model: Any = flatbuffer_utils.read_model(str(path))
        graph = self._model.subgraphs[0]
        self._tensors = graph.tensors
        self.operations = [self._operation(operator) for operator in graph.operators]
        self._producers = {operation.output: operation for operation in self.operations}
        self._readers: dict[int, list[Operation]] = defaultdict(list)
        for operation in self.operations:
            for tensor in operation.inputs:
                self._readers[tensor].append(operation)

    def of_kind(self, kind: str) -> list[Operation]:
        """Return the operations of a kind, in the order in which they run."""
        return [operation for operation in self.operations if operation.kind == kind]

    def producer(self, tensor: int) -> Operation | None:
        """Return the operation that computes a tensor; None for an input or a constant."""
        return self._producers.get(tensor)

    def readers(self, tensor: int, kind: str) -> list[Operation]:
        """Return the operations of a kind that read a tensor."""
        return [operation for operation in self._readers[tensor] if operation.kind == kind]

    def shape(self, tensor: int) -> tuple[int, ...]:
        """Return the shape of a tensor, with 1 for dynamic dimensions."""
        return tuple(int(size) for size in self._tensors[tensor].shape)

    def constant(self, tensor: int) -> Array | None:
        """Return the values of a constant in float32, dequantised if needed; None for any other tensor."""
        producer = self._producers.get(tensor)
        if producer and producer.kind == "DEQUANTIZE":
            return self.constant(producer.inputs[0])
        if tensor < 0 or self._tensors[tensor].type not in _TYPES:
            return None
        description = self._tensors[tensor]
        content = self._model.buffers[description.buffer].data
        if content is None or not len(content):
            return None
        values = np.frombuffer(bytes(content), _TYPES[description.type]).reshape(self.shape(tensor))
        return values.astype(np.float32) * _scales(description, values.ndim)

    def _operation(self, operator: Any) -> Operation:  # noqa: ANN401 - TensorFlow has no type annotations
        code = self._model.operatorCodes[operator.opcodeIndex]
        # Codes below 127 are in the deprecated field, or in both.
        kind = _KINDS[max(code.builtinCode, code.deprecatedBuiltinCode)]
        return Operation(kind, tuple(int(tensor) for tensor in operator.inputs), int(operator.outputs[0]))


def _scales(description: Any, dimensions: int) -> NDArray[np.float32]:  # noqa: ANN401 - TensorFlow has no type annotations
    """Return the scales of a constant, in a shape that broadcasts to its values."""
    quantisation, shape = description.quantization, [1] * dimensions
    if quantisation is None or quantisation.scale is None:
        return np.ones(shape, np.float32)
    shape[quantisation.quantizedDimension] = len(quantisation.scale)
    scales: NDArray[np.float32] = np.asarray(quantisation.scale, np.float32).reshape(shape)
    return scales
