"""Change of the last layer of a TensorFlow Lite model, in place, so that its logits are scaled and shifted.

`logits * scale + bias` needs no operation of its own: the rows of the last dense layer's weights are multiplied by
`scale`, and its bias becomes `bias + scale * old bias`. With 8-bit weights their scales are multiplied instead, so the
weights stay as they are. The file keeps its size; only a few bytes of it differ.
"""

import base64
import binascii
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stream.model.flatbuffer import Table
from stream.model.operators import Kind, read_operators
from training.errors import ConversionError

# Numbers of fields in schema.fbs.
_MODEL_SUBGRAPHS, _MODEL_BUFFERS = 2, 4
_SUBGRAPH_TENSORS, _SUBGRAPH_OUTPUTS, _SUBGRAPH_OPERATORS = 0, 2, 3
_OPERATOR_OPTIONS = 4
_DENSE_ACTIVATION, _DENSE_WEIGHTS_FORMAT = 0, 1
_TENSOR_SHAPE, _TENSOR_TYPE, _TENSOR_BUFFER, _TENSOR_QUANTISATION = 0, 1, 2, 4
_QUANTISATION_SCALE, _QUANTISATION_DIMENSION = 2, 6
_BUFFER_DATA = 0
# Numbers of types in schema.fbs.
_FLOAT32, _FLOAT16, _INT8 = 0, 1, 9
_DEQUANTIZE = 6
_FLOATS = {_FLOAT32: "<f4", _FLOAT16: "<f2"}

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Affine:
    """A change of logits: each class has a factor and a summand."""

    scale: Vector
    """Factor of each class's logit, shape (classes,)."""
    bias: Vector
    """Summand of each class's logit, after the factor; shape (classes,)."""

    def apply(self, logits: Vector) -> Vector:
        """Return changed logits, shape (tweets, classes)."""
        changed: Vector = logits * self.scale + self.bias
        return changed

    def invert(self, logits: Vector) -> Vector:
        """Return the logits before the change, shape (tweets, classes)."""
        unchanged: Vector = (logits - self.bias) / self.scale
        return unchanged

    def in_order(self, columns: Sequence[int]) -> "Affine":
        """Return the change with its classes in another order."""
        return Affine(self.scale[list(columns)], self.bias[list(columns)])


@dataclass(frozen=True)
class Replaced:
    """Original bytes of a file, and their position."""

    offset: int
    original: bytes

    def as_json(self) -> dict[str, Any]:
        """Return both for a manifest, the bytes in base64."""
        return {"offset": self.offset, "bytes": base64.b64encode(self.original).decode()}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Replaced":
        """Read what `as_json` returned.

        Raises:
            ConversionError: It is something else.
        """
        try:
            return cls(int(stored["offset"]), base64.b64decode(stored["bytes"], validate=True))
        except (KeyError, TypeError, ValueError, binascii.Error) as error:
            raise ConversionError(f"the stored bytes of the uncalibrated model cannot be read: {error!r}") from error


def fold(content: bytes, change: Affine) -> tuple[bytes, list[Replaced]]:
    """Fold a change of the logits into the last layer.

    Args:
        content: Content of the TensorFlow Lite file.
        change: The change, its classes in the order of the logits' columns.

    Returns:
        The new content, and the bytes that were replaced.

    Raises:
        ConversionError: The last operator is not a dense layer with a bias, or its weights are of an unknown kind.
    """
    try:
        head = _Head(content)
        patches = [*head.scaled_weights(change), head.shifted_bias(change)]
    except (ValueError, IndexError, struct.error) as error:
        raise ConversionError(f"the calibration cannot be folded into the model: {error}") from error
    edited = bytearray(content)
    replaced = []
    for offset, new in patches:
        replaced.append(Replaced(offset, content[offset : offset + len(new)]))
        edited[offset : offset + len(new)] = new
    return bytes(edited), replaced


def unfold(content: bytes, replaced: Sequence[Replaced]) -> bytes:
    """Return the content as it was before `fold`."""
    edited = bytearray(content)
    for piece in replaced:
        edited[piece.offset : piece.offset + len(piece.original)] = piece.original
    return bytes(edited)


class _Head:
    """The dense layer that computes a model's logits.

    Raises:
        ValueError: The model has none, or one that cannot be changed in place.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._operators = read_operators(content)
        model = Table.root(content)
        graph = model.tables(_MODEL_SUBGRAPHS)[0]
        self._buffers = model.tables(_MODEL_BUFFERS)
        self._tensors = graph.tables(_SUBGRAPH_TENSORS)
        (logits,) = graph.integers(_SUBGRAPH_OUTPUTS)
        place = next(place for place, each in enumerate(self._operators) if logits in each.outputs)
        layer, options = self._operators[place], graph.tables(_SUBGRAPH_OPERATORS)[place].table(_OPERATOR_OPTIONS)
        if layer.code != Kind.FULLY_CONNECTED:
            raise ValueError("its last operator is not a dense layer (FULLY_CONNECTED)")
        if options and (options.number(_DENSE_ACTIVATION, "b") or options.number(_DENSE_WEIGHTS_FORMAT, "b")):
            raise ValueError("its last layer has an activation, or weights in another order")
        if len(layer.inputs) < 3 or layer.inputs[2] < 0:  # noqa: PLR2004  (activations, weights, bias)
            raise ValueError("its last layer has no bias")
        self._weights, self._bias = (self._constant(tensor) for tensor in layer.inputs[1:3])

    def scaled_weights(self, change: Affine) -> list[tuple[int, bytes]]:
        """Return the position and the new bytes of the weights, or of their scales at 8 bits."""
        tensor = self._tensors[self._weights]
        if tensor.number(_TENSOR_TYPE, "b") == _INT8:
            return [self._scaled_scales(tensor, change)]
        first, weights = self._floats(self._weights)
        return [(first, self._written(weights * change.scale[:, None], weights.dtype))]

    def shifted_bias(self, change: Affine) -> tuple[int, bytes]:
        """Return the position and the new bytes of the bias."""
        first, bias = self._floats(self._bias)
        return first, self._written(change.apply(bias.astype(np.float64)), bias.dtype)

    def _scaled_scales(self, tensor: Table, change: Affine) -> tuple[int, bytes]:
        quantisation = tensor.table(_TENSOR_QUANTISATION)
        first, count = quantisation.vector(_QUANTISATION_SCALE) if quantisation else (0, 0)
        by_row = quantisation is not None and quantisation.number(_QUANTISATION_DIMENSION, "i") == 0
        if count == 1 and np.ptp(change.scale) == 0:
            factors = change.scale[:1]
        elif count == len(change.scale) and by_row:
            factors = change.scale
        else:
            raise ValueError(
                f"the weights of its last layer have {count} scales, so its {len(change.scale)} classes cannot get "
                "different ones; use --method biases or --method temperature"
            )
        scales = np.frombuffer(self._content, "<f4", count, first)
        return first, self._written(scales * factors, scales.dtype)

    def _constant(self, tensor: int) -> int:
        """Return the constant that a tensor is or is dequantised from, if nothing else reads it.

        Raises:
            ValueError: Another operator reads it, which a change would affect.
        """
        if sum(tensor in each.inputs for each in self._operators) > 1:
            raise ValueError("another operator uses the weights of its last layer")
        producer = next((each for each in self._operators if tensor in each.outputs), None)
        if producer is None:
            buffer = self._tensors[tensor].number(_TENSOR_BUFFER, "I")
            if sum(each.number(_TENSOR_BUFFER, "I") == buffer for each in self._tensors) > 1:
                raise ValueError("another tensor has the same weights as its last layer")
            return tensor
        if producer.code != _DEQUANTIZE:
            raise ValueError("the weights of its last layer are not constant")
        return self._constant(producer.inputs[0])

    def _floats(self, index: int) -> tuple[int, NDArray[np.floating[Any]]]:
        """Return the position and the values of a constant of 32 or 16 bits."""
        tensor = self._tensors[index]
        kind = tensor.number(_TENSOR_TYPE, "b")
        if kind not in _FLOATS:
            raise ValueError(f"the weights of its last layer have the type {kind} of TensorFlow Lite")
        first, size = self._buffers[tensor.number(_TENSOR_BUFFER, "I")].vector(_BUFFER_DATA)
        shape = tensor.integers(_TENSOR_SHAPE)
        values = np.frombuffer(self._content[first : first + size], _FLOATS[kind])
        return first, values.reshape(shape)

    @staticmethod
    def _written(values: NDArray[Any], dtype: np.dtype[Any]) -> bytes:
        with np.errstate(over="ignore"):
            written = values.astype(dtype)
        if not np.isfinite(written).all():
            raise ValueError("a weight of its last layer would exceed the range of its precision")
        return written.tobytes()
