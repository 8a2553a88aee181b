"""The classifier: token ids in, probabilities of the polarities out."""

import bisect
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from stream.errors import BundleError
from stream.model.bundle import MODEL_FILE, OUTPUT, PADDING_ID, SIGNATURE, Bundle
from stream.model.notices import without_delegate_notice
from stream.model.segments import token_types

try:
    from ai_edge_litert.interpreter import Interpreter
except ImportError:  # 32-bit ARM, where LiteRT's predecessor is all there is
    from tflite_runtime.interpreter import Interpreter

Probabilities = NDArray[np.float32]
"""Probabilities of the polarities, a column for each of the manifest's labels; from a cascade another one follows, the
model that answered."""


class AnyClassifier(Protocol):
    """One interpreter, or a cascade of two."""

    def bucket(self, length: int) -> int:
        """Return the length bucket, in tokens, that a row of `length` ids belongs to."""

    def probabilities(self, batch: Sequence[Sequence[int]]) -> Probabilities:
        """Classify a batch of tweets, given as rows of ids."""


def softmax(logits: NDArray[np.float32], temperature: float) -> Probabilities:
    """Return the probabilities of logits divided by a temperature, both of shape (tweets, 3)."""
    logits = logits / np.float32(temperature)
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True), dtype=np.float32)


class Classifier:
    """One interpreter of a bundle's model.

    `probabilities` releases the GIL while it computes, but an instance must not be used by two threads at once.

    Args:
        bundle: The model.
        threads: Number of threads that share one inference.

    Raises:
        BundleError: The model file cannot be loaded, or lacks the signature that bundle.py describes.
    """

    def __init__(self, bundle: Bundle, threads: int = 1) -> None:
        inputs = bundle.manifest.input_names
        self._buckets = bundle.manifest.length_buckets
        self._temperature = bundle.manifest.temperature
        self.shape: tuple[int, ...] = ()
        """Shape of the input that memory is allocated for; () before the first."""
        try:
            # The number of threads takes effect only here: the kernels are chosen when the interpreter is made.
            self._interpreter = Interpreter(str(bundle.model.path), num_threads=threads)
            runner = self._interpreter.get_signature_runner(SIGNATURE)
            self._inputs = _tensor_indices(runner.get_input_details(), inputs, np.int32)
            (self._output,) = _tensor_indices(
                runner.get_output_details(), (OUTPUT,), np.float32, len(bundle.manifest.labels)
            )
        except (ValueError, RuntimeError, KeyError) as error:
            raise BundleError(
                f"{bundle.path / MODEL_FILE} cannot be used: it should have one signature '{SIGNATURE}' from "
                f"{_quoted(inputs)} to '{OUTPUT}' ({error})"
            ) from error

    def bucket(self, length: int) -> int:
        """Return the shortest length bucket, in tokens, that `length` tokens fit into."""
        return self._buckets[bisect.bisect_left(self._buckets, length)]

    def probabilities(self, batch: Sequence[Sequence[int]]) -> Probabilities:
        """Classify a batch of tweets.

        Args:
            batch: The token ids of each tweet, as the tokenizer makes them. All are padded to the longest, so best of
                one length bucket. Tweets with and without an entity may be mixed.

        Returns:
            Probabilities, shape (len(batch), 3), columns in the order of the manifest's labels.
        """
        return softmax(self.logits(batch), self._temperature)

    def logits(self, batch: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Compute the logits of a batch, shape (len(batch), 3)."""
        length = self.bucket(max(map(len, batch)))
        input_ids = np.full((len(batch), length), PADDING_ID, dtype=np.int32)
        for row, ids in zip(input_ids, batch, strict=True):
            row[: len(ids)] = ids
        self._resize(input_ids.shape)
        self._interpreter.set_tensor(self._inputs[0], input_ids)
        for index in self._inputs[1:]:
            self._interpreter.set_tensor(index, token_types(batch, length))
        self._interpreter.invoke()
        return np.asarray(self._interpreter.get_tensor(self._output), dtype=np.float32)

    def _resize(self, shape: tuple[int, ...]) -> None:
        if shape != self.shape:
            for index in self._inputs:
                self._interpreter.resize_tensor_input(index, shape)
            with nullcontext() if self.shape else without_delegate_notice():
                self._interpreter.allocate_tensors()
            self.shape = shape


def _tensor_indices(
    details: dict[str, dict[str, Any]], names: Sequence[str], kind: type, columns: int | None = None
) -> list[int]:
    if set(details) != set(names):
        only = "only " if len(names) == 1 else ""
        raise ValueError(f"it has {', '.join(sorted(details)) or 'nothing'} where {only}{_quoted(names)} should be")
    return [_tensor_index(name, details[name], kind, columns) for name in names]


def _tensor_index(name: str, tensor: dict[str, Any], kind: type, columns: int | None) -> int:
    if tensor["dtype"] != kind:
        raise ValueError(f"'{name}' is {tensor['dtype'].__name__}, not {kind.__name__}")
    shape = tensor["shape"].tolist()
    if columns is not None and shape[-1:] != [columns]:
        raise ValueError(f"'{name}' has the shape {shape}, not a column for each of {columns} labels")
    return int(tensor["index"])


def _quoted(names: Sequence[str]) -> str:
    return " and ".join(f"'{name}'" for name in names)
