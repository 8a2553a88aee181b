"""The small bundle of the unit tests with a dense layer at its end, in each precision, as converted models have one."""

from pathlib import Path
from typing import Any, Literal

import flatbuffers  # type: ignore[import-untyped]
import numpy as np
from ai_edge_litert import schema_py_generated as tflite

from stream.model.bundle import MODEL_FILE
from tests.unit.tiny_bundle import tiny_model, write_bundle, write_manifest

Kind = Literal["float32", "float16", "int8 per channel", "int8 per tensor"]
KINDS: tuple[Kind, ...] = ("float32", "float16", "int8 per channel", "int8 per tensor")
WEIGHTS = np.array([[1.0, 0.1, -0.2], [-0.1, 0.9, 0.3], [0.2, -0.3, 1.1]])
BIAS = np.array([0.05, -0.02, 0.01])
_SCALES = {"int8 per channel": np.array([0.011, 0.012, 0.013]), "int8 per tensor": np.array([0.012])}


def write_dense_bundle(
    folder: Path, kind: Kind = "float32", manifest: dict[str, Any] | None = None, **model: Any
) -> Path:
    """Write a bundle; further arguments are those of `dense_model`."""
    write_bundle(folder)
    (folder / MODEL_FILE).write_bytes(dense_model(kind, **model))
    write_manifest(folder, precision=kind.split()[0], **(manifest or {}))
    return folder


def dense_model(kind: Kind, *, activation: int = 0, has_bias: bool = True, shared: bool = False) -> bytes:
    """Write a TensorFlow Lite model: the small model's logits times WEIGHTS, plus BIAS.

    Args:
        kind: Precision of the weights and, at 8 bits, the number of their scales.
        activation: Activation of the dense layer, as its number in schema.fbs.
        has_bias: False: the dense layer has no bias.
        shared: True: another tensor has the same content as the bias.
    """
    model = tflite.ModelT.InitFromPackedBuf(tiny_model(), 0)
    graph = model.subgraphs[0]
    (sums,) = graph.outputs
    weights, bias = _weights(model, kind), _constant(model, "bias", BIAS.astype(np.float32), tflite.TensorType.FLOAT32)
    if shared:
        graph.tensors.append(graph.tensors[bias])
    output = tflite.TensorT()
    output.name, output.type = b"dense", tflite.TensorType.FLOAT32
    output.shape, output.shapeSignature, output.buffer = [1, 3], [-1, 3], 0
    graph.tensors.append(output)
    options = tflite.FullyConnectedOptionsT()
    options.fusedActivationFunction = activation
    options.asymmetricQuantizeInputs = kind.startswith("int8")
    dense = tflite.OperatorT()
    dense.opcodeIndex = _code(model, tflite.BuiltinOperator.FULLY_CONNECTED, version=9)
    dense.inputs, dense.outputs = [sums, weights, bias if has_bias else -1], [len(graph.tensors) - 1]
    dense.builtinOptionsType, dense.builtinOptions = tflite.BuiltinOptions.FullyConnectedOptions, options
    graph.operators.append(dense)
    graph.outputs = dense.outputs
    model.signatureDefs[0].outputs[0].tensorIndex = dense.outputs[0]
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _weights(model: Any, kind: Kind) -> int:
    """Add the weights; return the tensor that the dense layer reads."""
    if kind == "float32":
        return _constant(model, "weights", WEIGHTS.astype(np.float32), tflite.TensorType.FLOAT32)
    if kind == "float16":
        graph = model.subgraphs[0]
        small = _constant(model, "weights", WEIGHTS.astype(np.float16), tflite.TensorType.FLOAT16)
        dequantised = tflite.TensorT()
        dequantised.name, dequantised.type = b"dequantised", tflite.TensorType.FLOAT32
        dequantised.shape, dequantised.buffer = list(WEIGHTS.shape), 0
        graph.tensors.append(dequantised)
        operator = tflite.OperatorT()
        operator.opcodeIndex = _code(model, tflite.BuiltinOperator.DEQUANTIZE, version=3)
        operator.inputs, operator.outputs = [small], [len(graph.tensors) - 1]
        graph.operators.append(operator)
        return int(operator.outputs[0])
    scales = _SCALES[kind]
    values = np.round(WEIGHTS / scales[:, None]).astype(np.int8)
    index = _constant(model, "weights", values, tflite.TensorType.INT8)
    quantisation = tflite.QuantizationParametersT()
    quantisation.scale = scales.astype(np.float32).tolist()
    quantisation.zeroPoint = [0] * len(scales)
    quantisation.quantizedDimension = 0
    model.subgraphs[0].tensors[index].quantization = quantisation
    return index


def _constant(model: Any, name: str, values: np.ndarray[Any, Any], kind: int) -> int:
    buffer = tflite.BufferT()
    buffer.data = list(values.tobytes())
    model.buffers.append(buffer)
    tensor = tflite.TensorT()
    tensor.name, tensor.type, tensor.shape, tensor.buffer = (
        name.encode(),
        kind,
        list(values.shape),
        len(model.buffers) - 1,
    )
    model.subgraphs[0].tensors.append(tensor)
    return len(model.subgraphs[0].tensors) - 1


def _code(model: Any, operator: int, version: int) -> int:
    code = tflite.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = operator
    code.version = version
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1
