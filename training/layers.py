"""Layers of the encoders in plain TensorFlow operations, for inference only.

Shapes: *batch* rows of *tokens* states with *hidden* values each, divided among *heads*.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from stream.model.bundle import PADDING_ID
from training.checkpoint import Array, Checkpoint

Tensor = Any
"""A tf.Tensor; TensorFlow has no type annotations."""

_MASKED = -1e9
"""Value added to the attention scores of padding, so that the softmax makes them 0."""


def attention_mask(input_ids: Tensor) -> Tensor:
    """Return what is added to the attention scores of a batch: float32 [batch, 1, 1, tokens]."""
    masked = tf.cast(tf.equal(input_ids, PADDING_ID), tf.float32) * _MASKED
    return tf.reshape(masked, [tf.shape(input_ids)[0], 1, 1, -1])


def first_state(states: Tensor) -> Tensor:
    """Return the state of [CLS]: [batch, 1, hidden]."""
    # Not states[:, :1]: the converter does not support indexing of dynamic shapes.
    return tf.slice(states, [0, 0, 0], [-1, 1, -1])


@dataclass(frozen=True)
class Embedding:
    """Embedding table with a scale for each dimension.

    At int8 a table has a single scale, which a few large values make coarse. In BERT these are in a few dimensions.
    Dividing each dimension by its largest value reduces the rounding error of all others to a quarter.
    """

    table: Tensor  # [words, hidden], from -1 to 1
    scales: Tensor  # [hidden]

    def __call__(self, input_ids: Tensor) -> Tensor:
        """Look up int32 [batch, tokens] → [batch, tokens, hidden]."""
        return tf.gather(self.table, input_ids) * self.scales


@dataclass(frozen=True)
class Positions:
    """Embeddings of positions and token types.

    The embedding of the first type is part of the table, so that a tweet without an entity needs no further addition.
    """

    table: Tensor  # [positions, hidden]
    second: Tensor  # [hidden]; embedding of the second type minus that of the first

    def __call__(self, input_ids: Tensor, token_types: Tensor | None) -> Tensor:
        """Return [tokens, hidden], or [batch, tokens, hidden] with token types."""
        positions = tf.slice(self.table, [0, 0], [tf.shape(input_ids)[1], self.table.shape[1]])
        if token_types is None:
            return positions
        return positions + tf.expand_dims(tf.cast(token_types, tf.float32), -1) * self.second


@dataclass(frozen=True)
class Dense:
    """Dense layer: a matrix and a bias."""

    kernel: Tensor  # [inputs, outputs]
    bias: Tensor  # [outputs]

    def __call__(self, states: Tensor) -> Tensor:
        """Map […, inputs] → […, outputs]."""
        return tf.matmul(states, self.kernel) + self.bias


@dataclass(frozen=True)
class Norm:
    """Layer normalisation (Ba et al., 2016, arXiv:1607.06450)."""

    scale: Tensor  # [hidden]
    shift: Tensor  # [hidden]
    epsilon: float

    def __call__(self, states: Tensor) -> Tensor:
        """Normalise each state."""
        centred = states - tf.reduce_mean(states, axis=-1, keepdims=True)
        variance = tf.reduce_mean(tf.square(centred), axis=-1, keepdims=True)
        # If the scale were applied last, the converter would fold it into the next layer's weights, which would make
        # their int8 values coarser.
        return centred * (tf.math.rsqrt(variance + self.epsilon) * self.scale) + self.shift


@dataclass(frozen=True)
class NoNorm:
    """Scale and shift without normalisation (Sun et al., 2020, arXiv:2004.02984, section 3.3)."""

    scale: Tensor  # [hidden]
    shift: Tensor  # [hidden]

    def __call__(self, states: Tensor) -> Tensor:
        """Scale and shift each state."""
        return states * self.scale + self.shift


@dataclass(frozen=True)
class Attention:
    """Multi-head scaled dot-product attention (Vaswani et al., 2017, arXiv:1706.03762, equation 1)."""

    query: Dense
    key: Dense
    value: Dense
    output: Dense
    heads: int

    def __call__(self, queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
        """Attend from `queries` [batch, queries, hidden] to `keys` and `values` [batch, tokens, hidden]."""
        query = self._split(self.query(queries))
        key = self._split(self.key(keys))
        value = self._split(self.value(values))
        scores = tf.matmul(query, key, transpose_b=True) / query.shape[-1] ** 0.5
        return self.output(self._join(tf.matmul(tf.nn.softmax(scores + mask), value)))

    def _split(self, states: Tensor) -> Tensor:
        """Reshape [batch, tokens, hidden] → [batch, heads, tokens, hidden / heads]."""
        batch, hidden = tf.shape(states)[0], states.shape[-1]
        return tf.transpose(tf.reshape(states, [batch, -1, self.heads, hidden // self.heads]), [0, 2, 1, 3])

    def _join(self, states: Tensor) -> Tensor:
        """Reshape [batch, heads, tokens, hidden / heads] → [batch, tokens, hidden]."""
        batch, hidden = tf.shape(states)[0], self.heads * states.shape[-1]
        return tf.reshape(tf.transpose(states, [0, 2, 1, 3]), [batch, -1, hidden])


class TransformerClassifier(ABC):
    """Encoder with a classification head on the state of [CLS]."""

    variables: list[Any]
    """All weights as tf.Variable; a tf.Module must hold them so that they are saved."""
    _layers: Sequence[Callable[[Tensor, Tensor, Tensor], Tensor]]
    _last_layer: Callable[[Tensor, Tensor, Tensor], Tensor]
    _pooler: Dense | None
    _classifier: Dense

    def logits(self, input_ids: Tensor, token_types: Tensor | None = None) -> Tensor:
        """Classify a batch.

        Only the state of [CLS] of the last layer is computed, because the head reads no other.

        Args:
            input_ids: int32 [batch, tokens]; each row begins with [CLS] and is padded with the padding id.
            token_types: int32 [batch, tokens]: 0 for the tweet, 1 for the entity; None: no tweet has an entity.

        Returns:
            float32 [batch, labels].
        """
        mask = attention_mask(input_ids)
        states = self._embed(input_ids, token_types)
        for layer in self._layers:
            states = layer(states, states, mask)
        summary = tf.squeeze(self._last_layer(first_state(states), states, mask), axis=1)
        return self._classifier(tf.tanh(self._pooler(summary)) if self._pooler else summary)

    @abstractmethod
    def _embed(self, input_ids: Tensor, token_types: Tensor | None) -> Tensor:
        """Return the states before the first layer."""


class Weights:
    """Factory of layers whose variables hold a checkpoint's weights.

    Args:
        checkpoint: Source of the weights.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._arrays = checkpoint.weights
        self.variables: list[Any] = []
        """All variables made so far; a tf.Module must hold them so that they are saved."""

    def array(self, name: str) -> Array:
        """Return a weight of the checkpoint."""
        return self._arrays[name]

    def variable(self, array: Array) -> Tensor:
        """Make a variable from an array."""
        self.variables.append(tf.Variable(array, trainable=False))
        return self.variables[-1]

    def embedding(self, name: str) -> Embedding:
        """Make an embedding table."""
        table = self.array(name)
        largest = np.abs(table).max(axis=0)
        scales = np.where(largest > 0, largest, 1).astype(np.float32)
        return Embedding(self.variable(table / scales), self.variable(scales))

    def positions(self, embeddings: str, max_tokens: int) -> Positions:
        """Make the embeddings of positions and token types; the position table is truncated to `max_tokens`."""
        first, *others = self.array(f"{embeddings}.token_type_embeddings.weight")
        table = self.array(f"{embeddings}.position_embeddings.weight")[:max_tokens] + first
        second = others[0] - first if others else np.zeros_like(first)
        return Positions(self.variable(table), self.variable(second))

    def dense(self, name: str) -> Dense:
        """Make a dense layer."""
        kernel = self.variable(self.array(f"{name}.weight").T)
        return Dense(kernel, self.variable(self.array(f"{name}.bias")))

    def norm(self, name: str, epsilon: float) -> Norm:
        """Make a layer normalisation."""
        return Norm(*self._scale_and_shift(name), epsilon)

    def no_norm(self, name: str) -> NoNorm:
        """Make a scale and shift as in MobileBERT."""
        return NoNorm(*self._scale_and_shift(name))

    def _scale_and_shift(self, name: str) -> tuple[Tensor, Tensor]:
        return self.variable(self.array(f"{name}.weight")), self.variable(self.array(f"{name}.bias"))
