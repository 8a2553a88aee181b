"""The operations and constants of a TensorFlow Lite file."""

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
    """One of a graph's, by the indices of its tensors."""

    kind: str
    """As TensorFlow Lite names it, such as `FULLY_CONNECTED`."""
    inputs: tuple[int, ...]
    """-1 for one that was left out."""
    output: int


class Graph:
    """A model's first graph.

    Args:
        path: A TensorFlow Lite file.
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
        """Operations, in the order in which they run."""
        return [operation for operation in self.operations if operation.kind == kind]

    def producer(self, tensor: int) -> Operation | None:
        """What works a tensor out; None for an input or a constant."""
        return self._producers.get(tensor)

    def readers(self, tensor: int, kind: str) -> list[Operation]:
        """The operations of a kind that read a tensor."""
        return [operation for operation in self._readers[tensor] if operation.kind == kind]

    def shape(self, tensor: int) -> tuple[int, ...]:
        """A tensor's; 1 stands for what is known only as the model runs."""
        return tuple(int(size) for size in self._tensors[tensor].shape)

    def constant(self, tensor: int) -> Array | None:
        """The numbers of a constant, in float32 whatever they are kept in; None for any other tensor."""
        producer = self._producers.get(tensor)
        if producer and producer.kind == "DEQUANTIZE":
            return self.constant(producer.inputs[0])
        if tensor < 0 or self._tensors[tensor].type not in _TYPES:
            return None
        described = self._tensors[tensor]
        content = self._model.buffers[described.buffer].data
        if content is None or not len(content):
            return None
        numbers = np.frombuffer(bytes(content), _TYPES[described.type]).reshape(self.shape(tensor))
        return numbers.astype(np.float32) * _scales(described, numbers.ndim)

    def _operation(self, operator: Any) -> Operation:  # noqa: ANN401 - TensorFlow comes without types
        code = self._model.operatorCodes[operator.opcodeIndex]
        # Codes below 127 are in the older field, in files that say them twice.
        kind = _KINDS[max(code.builtinCode, code.deprecatedBuiltinCode)]
        return Operation(kind, tuple(int(tensor) for tensor in operator.inputs), int(operator.outputs[0]))


def _scales(described: Any, dimensions: int) -> NDArray[np.float32]:  # noqa: ANN401 - as above
    """What a constant's integers are to be multiplied by, in a shape that goes with theirs."""
    quantisation, shape = described.quantization, [1] * dimensions
    if quantisation is None or quantisation.scale is None:
        return np.ones(shape, np.float32)
    shape[quantisation.quantizedDimension] = len(quantisation.scale)
    scales: NDArray[np.float32] = np.asarray(quantisation.scale, np.float32).reshape(shape)
    return scales
