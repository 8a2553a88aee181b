"""The operators of a TensorFlow Lite file, read from its FlatBuffer.

LiteRT's Python API tells the tensors of a graph but not its operators, and its predecessor has no Python schema. A
FlatBuffer is simple to read: a table begins with the offset of its vtable, which holds the offset of each field.
See https://flatbuffers.dev/internals/, and schema.fbs in TensorFlow's source for the numbers of the fields.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

_IDENTIFIER = b"TFL3"
_MODEL_OPERATOR_CODES, _MODEL_SUBGRAPHS = 1, 2
_CODE_DEPRECATED, _CODE_BUILTIN = 0, 3
_SUBGRAPH_OPERATORS = 3
_OPERATOR_CODE, _OPERATOR_INPUTS, _OPERATOR_OUTPUTS = 0, 1, 2


class Kind(IntEnum):
    """The builtin operators, of those in schema.fbs, that multiply or can contain operators that do."""

    CONV_2D = 3
    DEPTHWISE_CONV_2D = 4
    FULLY_CONNECTED = 9
    LSTM = 16
    RNN = 24
    SVDF = 27
    CUSTOM = 32
    UNIDIRECTIONAL_SEQUENCE_RNN = 35
    UNIDIRECTIONAL_SEQUENCE_LSTM = 44
    BIDIRECTIONAL_SEQUENCE_RNN = 46
    DELEGATE = 51
    BIDIRECTIONAL_SEQUENCE_LSTM = 52
    TRANSPOSE_CONV = 67
    IF = 118
    WHILE = 119
    BATCH_MATMUL = 126
    CONV_3D = 132
    CONV_3D_TRANSPOSE = 141
    STABLEHLO_CONVOLUTION = 171
    STABLEHLO_DOT_GENERAL = 197
    STABLEHLO_COMPOSITE = 206


@dataclass(frozen=True)
class Operator:
    """An operator of a graph."""

    code: int
    """Its number in schema.fbs' BuiltinOperator."""
    inputs: tuple[int, ...]
    """Indices of the input tensors; -1 for an omitted optional input."""
    outputs: tuple[int, ...]
    """Indices of the output tensors."""


def read_operators(content: bytes) -> list[Operator]:
    """Read the operators of a model's first graph, in the order in which they run.

    Args:
        content: The content of a TensorFlow Lite file.

    Raises:
        ValueError: It is no such file.
    """
    if content[4:8] != _IDENTIFIER:
        raise ValueError("the file is no TensorFlow Lite model")
    try:
        model = _Table(content, _offset(content, 0))
        codes = [_builtin_code(code) for code in model.tables(_MODEL_OPERATOR_CODES)]
        return [
            Operator(
                code=codes[operator.number(_OPERATOR_CODE, "I")],
                inputs=operator.integers(_OPERATOR_INPUTS),
                outputs=operator.integers(_OPERATOR_OUTPUTS),
            )
            for operator in model.tables(_MODEL_SUBGRAPHS)[0].tables(_SUBGRAPH_OPERATORS)
        ]
    except (struct.error, IndexError) as error:
        raise ValueError(f"the TensorFlow Lite model is damaged: {error}") from error


def _builtin_code(code: "_Table") -> int:
    # Codes below 127 are in the deprecated field, or in both.
    return max(code.number(_CODE_BUILTIN, "i"), code.number(_CODE_DEPRECATED, "b"))


class _Table:
    """A FlatBuffer's table.

    Args:
        content: The FlatBuffer.
        position: The table's position.
    """

    def __init__(self, content: bytes, position: int) -> None:
        self._content = content
        self._position = position
        (to_vtable,) = struct.unpack_from("<i", content, position)
        self._vtable = position - to_vtable
        (self._vtable_bytes,) = struct.unpack_from("<H", content, self._vtable)

    def number(self, field: int, format_: str) -> int:
        """Return a number, 0 where the field is absent; `format_` as in the module struct."""
        place = self._place(field)
        return int(struct.unpack_from(f"<{format_}", self._content, place)[0]) if place else 0

    def integers(self, field: int) -> tuple[int, ...]:
        """Return a vector of 32-bit integers."""
        first, count = self._vector(field)
        return struct.unpack_from(f"<{count}i", self._content, first)

    def tables(self, field: int) -> list["_Table"]:
        """Return a vector of tables."""
        first, count = self._vector(field)
        places = range(first, first + 4 * count, 4)
        return [_Table(self._content, _offset(self._content, place)) for place in places]

    def _vector(self, field: int) -> tuple[int, int]:
        """Return the position of a vector's first element, and its length."""
        if not (place := self._place(field)):
            return 0, 0
        vector = _offset(self._content, place)
        return vector + 4, int(struct.unpack_from("<I", self._content, vector)[0])

    def _place(self, field: int) -> int:
        """Return a field's position, 0 where it is absent."""
        entry = 4 + 2 * field
        if entry >= self._vtable_bytes:
            return 0
        (offset,) = struct.unpack_from("<H", self._content, self._vtable + entry)
        return self._position + offset if offset else 0


def _offset(content: bytes, place: int) -> int:
    """Return the position that the offset at a place leads to."""
    return place + int(struct.unpack_from("<I", content, place)[0])
