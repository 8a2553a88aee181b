"""What the encoders are built of, in plain TensorFlow operations, for inference alone.

Shapes: a *batch* of rows, each of *tokens* states of *hidden* numbers, divided among *heads*.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from stream.model.bundle import PADDING_ID
from training.checkpoint import Array, Checkpoint

Tensor = Any
"""A tf.Tensor; TensorFlow comes without types."""

_MASKED = -1e9
"""Added to the scores of padding, which the softmax makes 0."""


def attention_mask(input_ids: Tensor) -> Tensor:
    """What is added to the scores of a batch: float32 [batch, 1, 1, tokens]."""
    masked = tf.cast(tf.equal(input_ids, PADDING_ID), tf.float32) * _MASKED
    return tf.reshape(masked, [tf.shape(input_ids)[0], 1, 1, -1])


def first_state(states: Tensor) -> Tensor:
    """That of [CLS]: [batch, 1, hidden]."""
    # Not states[:, :1]: the converter cannot translate indexing where the shape is dynamic.
    return tf.slice(states, [0, 0, 0], [-1, 1, -1])


@dataclass(frozen=True)
class Embedding:
    """A table of words, each of its dimensions in a unit of its own.

    At int8 a table has one scale, which a few large numbers make coarse. In BERT they stand in a few dimensions; with
    each dimension counted in its largest number, all others are rounded to a fourth of what they would be.
    """

    table: Tensor  # [words, hidden], from -1 to 1
    units: Tensor  # [hidden]

    def __call__(self, input_ids: Tensor) -> Tensor:
        """int32 [batch, tokens] → [batch, tokens, hidden]."""
        return tf.gather(self.table, input_ids) * self.units


@dataclass(frozen=True)
class Dense:
    """A matrix and a bias."""

    kernel: Tensor  # [inputs, outputs]
    bias: Tensor  # [outputs]

    def __call__(self, states: Tensor) -> Tensor:
        """[…, inputs] → […, outputs]."""
        return tf.matmul(states, self.kernel) + self.bias


@dataclass(frozen=True)
class Norm:
    """Layer normalisation (Ba et al., 2016, arXiv:1607.06450)."""

    scale: Tensor  # [hidden]
    shift: Tensor  # [hidden]
    epsilon: float

    def __call__(self, states: Tensor) -> Tensor:
        """Norms each state by itself."""
        centred = states - tf.reduce_mean(states, axis=-1, keepdims=True)
        variance = tf.reduce_mean(tf.square(centred), axis=-1, keepdims=True)
        # A scale applied last the converter would fold into the next layer's weights, and make their int8 coarser.
        return centred * (tf.math.rsqrt(variance + self.epsilon) * self.scale) + self.shift


@dataclass(frozen=True)
class NoNorm:
    """A scale and a shift alone, faster than a norm (Sun et al., 2020, arXiv:2004.02984, section 3.3)."""

    scale: Tensor  # [hidden]
    shift: Tensor  # [hidden]

    def __call__(self, states: Tensor) -> Tensor:
        """Scale and shifts each state."""
        return states * self.scale + self.shift


@dataclass(frozen=True)
class Attention:
    """Scaled dot-product attention with several heads (Vaswani et al., 2017, arXiv:1706.03762, equation 1)."""

    query: Dense
    key: Dense
    value: Dense
    output: Dense
    heads: int

    def __call__(self, readers: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
        """What each of `readers` [batch, readers, hidden] gathers from `values` [batch, tokens, hidden] by `keys`."""
        query = self._split(self.query(readers))
        key = self._split(self.key(keys))
        value = self._split(self.value(values))
        scores = tf.matmul(query, key, transpose_b=True) / query.shape[-1] ** 0.5
        return self.output(self._join(tf.matmul(tf.nn.softmax(scores + mask), value)))

    def _split(self, states: Tensor) -> Tensor:
        """[batch, tokens, hidden] → [batch, heads, tokens, hidden / heads]."""
        batch, hidden = tf.shape(states)[0], states.shape[-1]
        return tf.transpose(tf.reshape(states, [batch, -1, self.heads, hidden // self.heads]), [0, 2, 1, 3])

    def _join(self, states: Tensor) -> Tensor:
        """[batch, heads, tokens, hidden / heads] → [batch, tokens, hidden]."""
        batch, hidden = tf.shape(states)[0], self.heads * states.shape[-1]
        return tf.reshape(tf.transpose(states, [0, 2, 1, 3]), [batch, -1, hidden])


class Weights:
    """Makes variables of a checkpoint's arrays.

    Args:
        checkpoint: Whose weights are asked for by name.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._arrays = checkpoint.weights
        self.variables: list[Any] = []
        """All that were made, as tf.Variable: what a tf.Module must hold for them to be saved."""

    def array(self, name: str) -> Array:
        """A weight as the checkpoint has it."""
        return self._arrays[name]

    def variable(self, array: Array) -> Tensor:
        """A variable of an array."""
        self.variables.append(tf.Variable(array, trainable=False))
        return self.variables[-1]

    def embedding(self, name: str) -> Embedding:
        """A table of words."""
        table = self.array(name)
        largest = np.abs(table).max(axis=0)
        units = np.where(largest > 0, largest, 1).astype(np.float32)
        return Embedding(self.variable(table / units), self.variable(units))

    def dense(self, name: str) -> Dense:
        """A dense layer."""
        kernel = self.variable(self.array(f"{name}.weight").T)
        return Dense(kernel, self.variable(self.array(f"{name}.bias")))

    def norm(self, name: str, epsilon: float) -> Norm:
        """A layer normalisation."""
        return Norm(*self._scale_and_shift(name), epsilon)

    def no_norm(self, name: str) -> NoNorm:
        """MobileBERT's norm."""
        return NoNorm(*self._scale_and_shift(name))

    def _scale_and_shift(self, name: str) -> tuple[Tensor, Tensor]:
        return self.variable(self.array(f"{name}.weight")), self.variable(self.array(f"{name}.bias"))
