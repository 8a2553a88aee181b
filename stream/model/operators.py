"""The operators of a TensorFlow Lite file, read from its FlatBuffer.

LiteRT's Python API tells the tensors of a graph but not its operators, and its predecessor has no Python schema.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

from stream.model.flatbuffer import Table

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
    """Operator code in schema.fbs' BuiltinOperator."""
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
        model = Table.root(content)
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


def _builtin_code(code: Table) -> int:
    # Codes below 127 are in the deprecated field, or in both.
    return max(code.number(_CODE_BUILTIN, "i"), code.number(_CODE_DEPRECATED, "b"))
