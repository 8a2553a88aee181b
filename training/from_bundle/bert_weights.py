"""Extraction of a BERT's weights from the TensorFlow Lite graph that `starling convert` made from training/bert.py.

The converter does not keep names, so weights are identified by the operations that use them and by their order.
"""

from typing import TypeVar

import numpy as np

from training.checkpoint import Array
from training.errors import CheckpointError
from training.from_bundle.tflite_graph import Graph, Operation

Item = TypeVar("Item")

_LAYER = "bert.encoder.layer."
_FORWARDED = {"SLICE", "STRIDED_SLICE", "RESHAPE", "SQUEEZE", "TRANSPOSE"}
"""Operations that move values without changing them."""


class BertGraph:
    """Graph of a BERT.

    Args:
        graph: Graph of a bundle's model file.
        name: Name of the file, for error messages.
    """

    def __init__(self, graph: Graph, name: str) -> None:
        self._graph, self._name = graph, name
        self._word_lookup = self._lookup_in_table("GATHER")
        products = graph.of_kind("BATCH_MATMUL")
        if not products or len(products) % 2:
            raise self._unrecognized()
        self.layers = len(products) // 2
        self.heads = graph.shape(products[0].output)[1]
        self._attention = [
            [self._dense_producing(tensor) for tensor in (*scores.inputs, mix.inputs[1])]
            for scores, mix in zip(products[::2], products[1::2], strict=True)
        ]
        """Operations of each layer that compute query, key and value."""
        self._shifts: dict[int, Array] = {}
        """Shift of each norm by the tensor before it, which the converter makes the input of some layers."""

    def weights(self) -> dict[str, Array]:
        """Return the weights by Hugging Face's names.

        The first row of the token type table is part of the position table, and is 0 itself; the second row is the
        difference from it, which is 0 if the model reads no entities.

        Raises:
            CheckpointError: The graph is not a BERT that `starling convert` made.
        """
        weights = self._embeddings() | self._norms()
        for number, attention in enumerate(self._attention):
            for part, operation in zip(("query", "key", "value"), attention, strict=True):
                weights |= self._dense(f"{_LAYER}{number}.attention.self.{part}", operation)
        return weights | self._other_dense()

    @property
    def epsilon(self) -> float:
        """Value that the norms add to the variance."""
        added = self._graph.producer(self._graph.of_kind("RSQRT")[0].inputs[0])
        constants = [self._graph.constant(tensor) for tensor in added.inputs] if added else []
        return float(self._only([constant for constant in constants if constant is not None]))

    def _embeddings(self) -> dict[str, Array]:
        words = self._constant(self._word_lookup.inputs[0])
        tensor = self._word_lookup.output
        while readers := self._graph.readers(tensor, "DEQUANTIZE"):
            tensor = readers[0].output
        for scaled in self._graph.readers(tensor, "MUL"):
            words = words * self._vector(scaled)
        positions = self._lookup_in_table("SLICE")
        second = self._second_type(words.shape[1])
        return {
            "bert.embeddings.word_embeddings.weight": words,
            "bert.embeddings.position_embeddings.weight": self._constant(positions.inputs[0]),
            "bert.embeddings.token_type_embeddings.weight": np.stack([np.zeros_like(second), second]),
        }

    def _second_type(self, hidden: int) -> Array:
        """Return the embedding of the second token type minus that of the first; 0 if the model reads no entities."""
        for scaled in self._graph.of_kind("MUL"):
            types = [self._graph.producer(tensor) for tensor in scaled.inputs]
            if any(type_ and type_.kind == "EXPAND_DIMS" and self._is_cast(type_.inputs[0]) for type_ in types):
                return self._vector(scaled)
        return np.zeros(hidden, np.float32)

    def _is_cast(self, tensor: int) -> bool:
        producer = self._graph.producer(tensor)
        return producer is not None and producer.kind == "CAST"

    def _norms(self) -> dict[str, Array]:
        weights: dict[str, Array] = {}
        names = ["bert.embeddings.LayerNorm"]
        for number in range(self.layers):
            names += [f"{_LAYER}{number}.{part}.LayerNorm" for part in ("attention.output", "output")]
        roots = self._graph.of_kind("RSQRT")
        if len(roots) != len(names):
            raise self._unrecognized()
        for name, root in zip(names, roots, strict=True):
            scaled = self._only(self._graph.readers(root.output, "MUL"))
            normed = self._only(self._graph.readers(scaled.output, "MUL"))
            shifted = self._only(self._graph.readers(normed.output, "ADD"))
            weights |= {f"{name}.weight": self._vector(scaled), f"{name}.bias": self._vector(shifted)}
            self._shifts[normed.output] = self._vector(shifted)
        return weights

    def _other_dense(self) -> dict[str, Array]:
        """Return the weights of all other dense layers, in the order in which they run."""
        attending = [operation for attention in self._attention for operation in attention]
        others = [operation for operation in self._graph.of_kind("FULLY_CONNECTED") if operation not in attending]
        names = [
            f"{_LAYER}{number}.{part}.dense"
            for number in range(self.layers)
            for part in ("attention.output", "intermediate", "output")
        ]
        names += ["bert.pooler.dense", "classifier"]
        if len(names) != len(others):
            raise self._unrecognized()
        weights: dict[str, Array] = {}
        for name, operation in zip(names, others, strict=True):
            weights |= self._dense(name, operation)
        return weights

    def _dense(self, name: str, operation: Operation) -> dict[str, Array]:
        states, matrix, bias = (*operation.inputs, -1)[:3]
        weight, shift = self._constant(matrix), self._shifts.get(self._source_tensor(states))
        found = self._graph.constant(bias)
        bias_there = np.zeros(len(weight), np.float32) if found is None else found
        # If a layer reads a norm before its shift, the converter has folded the shift into the bias.
        return {f"{name}.weight": weight, f"{name}.bias": bias_there if shift is None else bias_there - weight @ shift}

    def _dense_producing(self, tensor: int) -> Operation:
        producer = self._graph.producer(self._source_tensor(tensor))
        while producer and producer.kind == "MUL":  # the query may be scaled before the product
            producer = self._graph.producer(self._source_tensor(producer.inputs[0]))
        if producer is None or producer.kind != "FULLY_CONNECTED":
            raise self._unrecognized()
        return producer

    def _source_tensor(self, tensor: int) -> int:
        """Return the tensor from which the values of a tensor were moved."""
        while (producer := self._graph.producer(tensor)) and producer.kind in _FORWARDED:
            tensor = producer.inputs[0]
        return tensor

    def _lookup_in_table(self, kind: str) -> Operation:
        """Return the first operation of a kind that reads a constant table."""
        for operation in self._graph.of_kind(kind):
            constant = self._graph.constant(operation.inputs[0])
            if constant is not None and constant.ndim == 2:  # noqa: PLR2004
                return operation
        raise self._unrecognized()

    def _constant(self, tensor: int) -> Array:
        constant = self._graph.constant(tensor)
        if constant is None:
            raise self._unrecognized()
        return constant

    def _vector(self, operation: Operation) -> Array:
        """Return the constant vector among the inputs of an operation."""
        constants = [self._graph.constant(tensor) for tensor in operation.inputs]
        vectors = [constant for constant in constants if constant is not None and constant.ndim == 1]
        return self._only(vectors)

    def _only(self, items: list[Item]) -> Item:
        if len(items) != 1:
            raise self._unrecognized()
        return items[0]

    def _unrecognized(self) -> CheckpointError:
        return CheckpointError(
            f"{self._name} is not a BERT that starling convert made, so its weights cannot be identified"
        )
