"""Multiply-accumulates, counted from the graph: what a tweet costs whatever the machine."""

import math
from collections.abc import Sequence

import numpy as np

from stream.bundle import INPUT, PADDING_ID, SIGNATURE, Bundle

try:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType
except ImportError:  # 32-bit ARM, as in stream/classifier.py
    from tflite_runtime.interpreter import Interpreter, OpResolverType

_PRODUCTS = ("FULLY_CONNECTED", "BATCH_MATMUL")


def multiply_accumulates(bundle: Bundle, tokens: int) -> int:
    """Counts those of all matrix products for one tweet of so many tokens."""
    # Without XNNPACK, which would take the products out of the list.
    interpreter = Interpreter(
        str(bundle.model_path), experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    )
    index = int(interpreter.get_signature_runner(SIGNATURE).get_input_details()[INPUT]["index"])
    interpreter.resize_tensor_input(index, (1, tokens))
    interpreter.allocate_tensors()
    interpreter.set_tensor(index, np.full((1, tokens), PADDING_ID + 1, np.int32))
    interpreter.invoke()  # after which dynamic shapes are known
    shapes = {tensor["index"]: tensor["shape"].tolist() for tensor in interpreter.get_tensor_details()}
    # The list of operations has no public name; 2.14 of tflite-runtime and all of LiteRT have this one.
    products = [step for step in interpreter._get_ops_details() if step["op_name"] in _PRODUCTS]  # noqa: SLF001
    return sum(math.prod(shapes[step["outputs"][0]]) * shapes[step["inputs"][0]][-1] for step in products)


def mean_multiply_accumulates(bundle: Bundle, lengths: Sequence[int]) -> float:
    """The mean over tweets of these lengths, in tokens; a transformer's count is a quadratic of the length."""
    probes = [4, 6, 8]
    quadratic = np.polyfit(probes, [multiply_accumulates(bundle, tokens) for tokens in probes], 2)
    return float(np.polyval(quadratic, np.asarray(lengths)).mean())
