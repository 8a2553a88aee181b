"""A small model bundle for tests: complete, with a vocabulary of ten words, and loaded quickly.

Its model adds a row of the table for each token, so that a test can calculate its results.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import flatbuffers  # type: ignore[import-untyped]
import numpy as np
from ai_edge_litert import schema_py_generated as tflite
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from stream.model.bundle import MANIFEST_FILE, MODEL_FILE, TOKENIZER_FILE, file_sha256

LABELS = ("negative", "neutral", "positive")
WEIGHTS: dict[str, tuple[float, ...]] = {
    "[PAD]": (0, 0, 0),
    "[UNK]": (0, 0.5, 0),
    "[CLS]": (0, 1, 0),
    "[SEP]": (0, 0, 0),
    "awful": (3, 0, 0),
    "sad": (2, 0, 0),
    "train": (0, 0.5, 0),
    "street": (0, 0.25, 0),
    "nice": (0, 0, 2),
    "lovely": (0, 0, 3),
}
OPPOSITE_WEIGHTS: dict[str, tuple[float, ...]] = {word: row[::-1] for word, row in WEIGHTS.items()}
"""Weights of a model for which positive is negative, so that a label shows which of two models made it."""
MAX_TOKENS = 12
LENGTH_BUCKETS = [4, 8, 12]

ENTITIES: dict[str, tuple[float, ...]] = {"Acme": (0, 0, 9), "Globex": (9, 0, 0)}
"""Words that a model with entities adds to its vocabulary, and their rows where they are of the second segment."""
PAIR_WEIGHTS = WEIGHTS | dict.fromkeys(ENTITIES, (0.0, 0.0, 0.0))
PAIR_MANIFEST: dict[str, Any] = {
    "name": "tiny-pair",
    "inputs": {"entity": True},
    "max_tokens": 24,
    "length_buckets": [4, 8, 16, 24],
}

_FILE_IDENTIFIER = b"TFL3"
_ANY = -1
"""A dynamic dimension."""


def write_bundle(folder: Path, manifest: dict[str, Any] | None = None, **model: Any) -> Path:
    """Write a bundle; arguments for the manifest or for `tiny_model` can make it unusable."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MODEL_FILE).write_bytes(tiny_model(**model))
    tiny_tokenizer().save(str(folder / TOKENIZER_FILE))
    write_manifest(folder, **(manifest or {}))
    return folder


def write_pair_bundle(folder: Path, manifest: dict[str, Any] | None = None, **model: Any) -> Path:
    """Write a bundle whose model reads an entity: all that a tweet says is good for Acme and bad for Globex."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MODEL_FILE).write_bytes(tiny_pair_model(**model))
    tiny_tokenizer(PAIR_WEIGHTS).save(str(folder / TOKENIZER_FILE))
    write_manifest(folder, **(PAIR_MANIFEST | (manifest or {})))
    return folder


def write_manifest(folder: Path, **changes: Any) -> None:
    """Write a manifest with the hashes of the folder's files."""
    files = {name: file_sha256(folder / name) for name in (MODEL_FILE, TOKENIZER_FILE)}
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest_json(files=files) | changes), encoding="utf-8")


def manifest_json(**changes: Any) -> dict[str, Any]:
    """Return the content of a manifest."""
    return {
        "schema": 1,
        "name": "tiny",
        "base": "none",
        "precision": "float32",
        "labels": list(LABELS),
        "cleaning": {"name": "placeholders", "version": 1},
        "max_tokens": MAX_TOKENS,
        "length_buckets": LENGTH_BUCKETS,
        "files": {MODEL_FILE: "0" * 64, TOKENIZER_FILE: "1" * 64},
        "licence": "Apache-2.0",
        "source": {},
    } | changes


def tiny_tokenizer(words: Iterable[str] = WEIGHTS) -> Tokenizer:
    """Make a tokenizer that splits at spaces and has the words of the table."""
    ids = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(WordLevel(ids, unk_token="[UNK]"))  # noqa: S106  (no password)
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(word, ids[word]) for word in ("[CLS]", "[SEP]")],
    )
    return tokenizer


def tiny_model(
    *,
    signature: str = "classify",
    input_name: str = "input_ids",
    output_name: str = "logits",
    input_type: int = tflite.TensorType.INT32,
    columns: int = len(LABELS),
    weights: Mapping[str, tuple[float, ...]] = WEIGHTS,
) -> bytes:
    """Write a TensorFlow Lite model: logits = sum over the tokens of table[token]."""
    table = np.array(list(weights.values()), dtype=np.float32)[:, :columns]
    graph = tflite.SubGraphT()
    graph.tensors = [
        _tensor("ids", input_type, [_ANY, _ANY]),
        _tensor("table", tflite.TensorType.FLOAT32, list(table.shape), buffer=1),
        _tensor("rows", tflite.TensorType.FLOAT32, [_ANY, _ANY, columns]),
        _tensor("axis", tflite.TensorType.INT32, [1], buffer=2),
        _tensor("sums", tflite.TensorType.FLOAT32, [_ANY, columns]),
    ]
    graph.inputs, graph.outputs = [0], [4]
    gather = _operator(0, [1, 0], 2, tflite.BuiltinOptions.GatherOptions, tflite.GatherOptionsT())
    add_up = _operator(1, [2, 3], 4, tflite.BuiltinOptions.ReducerOptions, tflite.ReducerOptionsT())
    graph.operators = [gather, add_up]
    buffers = [b"", table.tobytes(), np.array([1], dtype=np.int32).tobytes()]
    codes = [tflite.BuiltinOperator.GATHER, tflite.BuiltinOperator.SUM]
    return _packed(graph, codes, buffers, _signature(signature, {input_name: 0}, {output_name: 4}))


def tiny_pair_model(*, input_names: tuple[str, str] = ("token_ids", "token_types"), types: int = 2) -> bytes:
    """Write a TensorFlow Lite model: logits = sum over the tokens of table[token + size of the vocabulary * type].

    Args:
        input_names: The names of ids and types.
        types: Number of types that the table has rows for.
    """
    size = len(PAIR_WEIGHTS)
    entity_rows = [ENTITIES.get(word, (0, 0, 0)) for word in PAIR_WEIGHTS]
    table = np.array([*PAIR_WEIGHTS.values(), *entity_rows][: types * size], dtype=np.float32)
    columns = len(LABELS)
    graph = tflite.SubGraphT()
    graph.tensors = [
        # Types first, so that inputs that are bound by their order are wrong.
        _tensor("types", tflite.TensorType.INT32, [_ANY, _ANY]),
        _tensor("ids", tflite.TensorType.INT32, [_ANY, _ANY]),
        _tensor("table", tflite.TensorType.FLOAT32, list(table.shape), buffer=1),
        _tensor("axis", tflite.TensorType.INT32, [1], buffer=2),
        _tensor("size", tflite.TensorType.INT32, [1], buffer=3),
        _tensor("offsets", tflite.TensorType.INT32, [_ANY, _ANY]),
        _tensor("places", tflite.TensorType.INT32, [_ANY, _ANY]),
        _tensor("rows", tflite.TensorType.FLOAT32, [_ANY, _ANY, columns]),
        _tensor("sums", tflite.TensorType.FLOAT32, [_ANY, columns]),
    ]
    graph.inputs, graph.outputs = [0, 1], [8]
    options = tflite.BuiltinOptions
    graph.operators = [
        _operator(0, [0, 4], 5, options.MulOptions, tflite.MulOptionsT()),
        _operator(1, [1, 5], 6, options.AddOptions, tflite.AddOptionsT()),
        _operator(2, [2, 6], 7, options.GatherOptions, tflite.GatherOptionsT()),
        _operator(3, [7, 3], 8, options.ReducerOptions, tflite.ReducerOptionsT()),
    ]
    operators = tflite.BuiltinOperator
    codes = [operators.MUL, operators.ADD, operators.GATHER, operators.SUM]
    constants = [np.array([1], dtype=np.int32).tobytes(), np.array([size], dtype=np.int32).tobytes()]
    inputs = dict(zip(input_names, (1, 0), strict=True))
    return _packed(graph, codes, [b"", table.tobytes(), *constants], _signature("classify", inputs, {"logits": 8}))


def _packed(graph: Any, codes: list[int], buffers: list[bytes], signature: Any) -> bytes:
    model = tflite.ModelT()
    model.version = 3
    model.operatorCodes = [_operator_code(code) for code in codes]
    model.subgraphs = [graph]
    model.buffers = [_buffer(data) for data in buffers]
    model.signatureDefs = [signature]
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), _FILE_IDENTIFIER)
    return bytes(builder.Output())


def _tensor(name: str, kind: int, signature: list[int], buffer: int = 0) -> Any:
    tensor = tflite.TensorT()
    tensor.name = name
    tensor.type = kind
    tensor.shape = [max(1, size) for size in signature]
    tensor.shapeSignature = signature
    tensor.buffer = buffer
    return tensor


def _operator(code: int, inputs: list[int], output: int, options_type: int, options: object) -> Any:
    operator = tflite.OperatorT()
    operator.opcodeIndex = code
    operator.inputs, operator.outputs = inputs, [output]
    operator.builtinOptionsType, operator.builtinOptions = options_type, options
    return operator


def _operator_code(operator: int) -> Any:
    code = tflite.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = operator
    code.version = 1
    return code


def _buffer(data: bytes) -> Any:
    buffer = tflite.BufferT()
    buffer.data = list(data)
    return buffer


def _signature(key: str, inputs: dict[str, int], outputs: dict[str, int]) -> Any:
    signature = tflite.SignatureDefT()
    signature.signatureKey = key
    signature.inputs = [_tensor_map(*item) for item in inputs.items()]
    signature.outputs = [_tensor_map(*item) for item in outputs.items()]
    return signature


def _tensor_map(name: str, index: int) -> Any:
    entry = tflite.TensorMapT()
    entry.name, entry.tensorIndex = name, index
    return entry
