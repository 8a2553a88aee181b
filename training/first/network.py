"""The network of `first`: word embeddings and two convolutions over three tokens each.

    states = embedding of each token                                      [tokens, 128]
    states += relu(convolution of the token, the one before and after)    twice
    logits = dense(relu(dense(attention-weighted mean and maximum)))

It has no attention between tokens and few neurons, so it needs a fiftieth of the multiply-accumulates of the default
model.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from stream.model.bundle import PADDING_ID
from stream.tweets.polarity import POLARITIES
from training.checkpoint import Array
from training.layers import Embedding, Tensor

HIDDEN = 128
_WIDTH = 3
_MASKED = 1e4
_TABLE = "words"
_CONVOLUTIONS = ("convolution_1", "convolution_2")


@dataclass(frozen=True)
class Dropout:
    """Shares that are dropped in training."""

    words: float = 0.15
    embeddings: float = 0.1
    summary: float = 0.2


class FirstNetwork:
    """The network, with trainable weights.

    Args:
        weights: Arrays by name, as `initial_weights` makes them.
    """

    def __init__(self, weights: Mapping[str, Array]) -> None:
        self._weights = {name: tf.Variable(array.astype(np.float32)) for name, array in weights.items()}
        self.variables = list(self._weights.values())
        """All weights; a tf.Module must hold them so that they are saved."""
        self._table: Embedding | None = None

    @property
    def weights(self) -> dict[str, Array]:
        """The current weights."""
        return {name: variable.numpy() for name, variable in self._weights.items()}

    def for_conversion(self) -> "FirstNetwork":
        """Return the same network with an embedding table that int8 represents well."""
        copy = FirstNetwork(self.weights)
        table = self.weights[_TABLE]
        scales = np.maximum(np.abs(table).max(axis=0), np.finfo(np.float32).tiny)
        copy._table = Embedding(tf.Variable(table / scales, trainable=False), tf.Variable(scales, trainable=False))
        copy.variables = [*copy.variables, copy._table.table, copy._table.scales]
        return copy

    def logits(self, input_ids: Tensor, dropout: Dropout | None = None) -> Tensor:
        """Classify int32 [batch, tokens], padded with the padding id → float32 [batch, labels].

        Args:
            input_ids: Token ids.
            dropout: Shares that are dropped, in training; None: none.
        """
        weights = self._weights
        mask = tf.expand_dims(tf.cast(tf.not_equal(input_ids, PADDING_ID), tf.float32), -1)
        words = self._table(input_ids) if self._table else tf.gather(weights[_TABLE], input_ids)
        states = words * mask
        if dropout:
            states = tf.nn.dropout(states, dropout.words, noise_shape=[*_shape(input_ids), 1])
            states = tf.nn.dropout(states, dropout.embeddings)
        for name in _CONVOLUTIONS:
            found = _convolution(states, weights[f"{name}.kernel"], tf.shape(input_ids)[1]) + weights[f"{name}.bias"]
            states = (states + tf.nn.relu(found)) * mask
        hidden = (mask - 1.0) * _MASKED
        attention = tf.nn.softmax(tf.matmul(states, weights["attention"]) + hidden, axis=1)
        summary = tf.concat([tf.reduce_sum(attention * states, axis=1), tf.reduce_max(states + hidden, axis=1)], axis=1)
        if dropout:
            summary = tf.nn.dropout(summary, dropout.summary)
        inner = tf.nn.relu(tf.matmul(summary, weights["dense.kernel"]) + weights["dense.bias"])
        return tf.matmul(inner, weights["classifier.kernel"]) + weights["classifier.bias"]


def initial_weights(words: Array, seed: int) -> dict[str, Array]:
    """Return initial weights: the principal components of another model's word embeddings, and random kernels.

    Args:
        words: Word embeddings, shape (words, any).
        seed: Seed of the kernels.
    """
    generator = np.random.default_rng(seed)
    centred = words - words.mean(axis=0)
    _, _, components = np.linalg.svd(centred[::_WIDTH], full_matrices=False)  # a third of the words is enough
    table = centred @ components[:HIDDEN].T

    def random(*shape: int) -> Array:
        return generator.normal(0, 0.7 * (2 / np.prod(shape[:-1])) ** 0.5, shape).astype(np.float32)

    weights = {_TABLE: (table / table.std()).astype(np.float32)}
    for name in _CONVOLUTIONS:
        weights |= {f"{name}.kernel": random(_WIDTH, HIDDEN, HIDDEN), f"{name}.bias": np.zeros(HIDDEN, np.float32)}
    return weights | {
        "attention": np.zeros((HIDDEN, 1), np.float32),
        "dense.kernel": random(2 * HIDDEN, HIDDEN),
        "dense.bias": np.zeros(HIDDEN, np.float32),
        "classifier.kernel": random(HIDDEN, len(POLARITIES)),
        "classifier.bias": np.zeros(len(POLARITIES), np.float32),
    }


def _shape(input_ids: Tensor) -> tuple[Tensor, Tensor]:
    shape = tf.shape(input_ids)
    return shape[0], shape[1]


def _convolution(states: Tensor, kernel: Tensor, tokens: Tensor) -> Tensor:
    """Convolve along the tokens, as one product with the kernels of the three places beside each other.

    One dense product is faster in TensorFlow Lite than its convolution, and is quantised token by token.
    """
    beside = tf.reshape(tf.transpose(kernel, [1, 0, 2]), [HIDDEN, _WIDTH * HIDDEN])
    before, here, after = tf.split(tf.matmul(states, beside), _WIDTH, axis=-1)
    from_before = tf.slice(tf.pad(before, [[0, 0], [1, 0], [0, 0]]), [0, 0, 0], [-1, tokens, -1])
    from_after = tf.slice(tf.pad(after, [[0, 0], [0, 1], [0, 0]]), [0, 1, 0], [-1, tokens, -1])
    return from_before + here + from_after
