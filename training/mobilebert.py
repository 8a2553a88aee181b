"""MobileBERT classifier (Sun et al., 2020, arXiv:2004.02984) in plain TensorFlow operations, like training/bert.py.

Each layer reduces the width of its states (bottleneck), applies attention and several feed-forward networks to the
narrow states, and widens them again. An embedding is combined with those of its two neighbours; padding counts as zero
there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import tensorflow as tf

from stream.model.bundle import PADDING_ID
from training.architectures import MobileBertConfig
from training.checkpoint import Checkpoint
from training.layers import Attention, Dense, NoNorm, Tensor, TransformerClassifier, Weights

_PREFIX = "mobilebert"


class MobileBertClassifier(TransformerClassifier):
    """A checkpoint as a function from token ids to logits.

    Args:
        checkpoint: The weights.
        config: Configuration of the checkpoint.
        max_tokens: Longest input in tokens; the position table is truncated to it.
    """

    def __init__(self, checkpoint: Checkpoint, config: MobileBertConfig, max_tokens: int) -> None:
        weights = Weights(checkpoint)
        embeddings = f"{_PREFIX}.embeddings"
        self._words = weights.embedding(f"{embeddings}.word_embeddings.weight")
        self._widen = weights.dense(f"{embeddings}.embedding_transformation")
        self._positions = weights.positions(embeddings, max_tokens)
        self._norm = weights.no_norm(f"{embeddings}.LayerNorm")
        layers = [_layer(weights, config, number) for number in range(config.num_hidden_layers)]
        *self._layers, self._last_layer = layers
        self._pooler = weights.dense(f"{_PREFIX}.pooler.dense") if config.classifier_activation else None
        self._classifier = weights.dense("classifier")
        self.variables = weights.variables

    def _embed(self, input_ids: Tensor, token_types: Tensor | None) -> Tensor:
        present = tf.expand_dims(tf.cast(tf.not_equal(input_ids, PADDING_ID), tf.float32), -1)
        words = self._words(input_ids) * present
        tokens = tf.shape(input_ids)[1]
        following = tf.pad(tf.slice(words, [0, 1, 0], [-1, -1, -1]), [[0, 0], [0, 1], [0, 0]])
        preceding = tf.pad(tf.slice(words, [0, 0, 0], [-1, tokens - 1, -1]), [[0, 0], [1, 0], [0, 0]])
        widened = self._widen(tf.concat([following, words, preceding], axis=2))
        return self._norm(widened + self._positions(input_ids, token_types))


@dataclass(frozen=True)
class _Narrowing:
    dense: Dense
    norm: NoNorm

    def __call__(self, states: Tensor) -> Tensor:
        return self.norm(self.dense(states))


@dataclass(frozen=True)
class _FeedForward:
    intermediate: Dense
    output: Dense
    norm: NoNorm

    def __call__(self, states: Tensor) -> Tensor:
        return self.norm(self.output(tf.nn.relu(self.intermediate(states))) + states)


@dataclass(frozen=True)
class _Layer:
    narrow: _Narrowing
    narrow_attention: _Narrowing
    attention: Attention
    attention_norm: NoNorm
    feed_forwards: Sequence[_FeedForward]
    widen: Dense
    widen_norm: NoNorm

    def __call__(self, queries: Tensor, states: Tensor, mask: Tensor) -> Tensor:
        """Return the next states of `queries` [batch, queries, hidden], which attend to all `states`."""
        keys = self.narrow_attention(states)
        attended = self.attention(self.narrow_attention(queries), keys, states, mask)
        narrow = self.attention_norm(attended + self.narrow(queries))
        for feed_forward in self.feed_forwards:
            narrow = feed_forward(narrow)
        return self.widen_norm(self.widen(narrow) + queries)


def _layer(weights: Weights, config: MobileBertConfig, number: int) -> _Layer:
    layer = f"{_PREFIX}.encoder.layer.{number}"
    stacked = [f"{layer}.ffn.{index}" for index in range(config.num_feedforward_networks - 1)]
    return _Layer(
        narrow=_narrowing(weights, f"{layer}.bottleneck.input"),
        narrow_attention=_narrowing(weights, f"{layer}.bottleneck.attention"),
        attention=Attention(
            query=weights.dense(f"{layer}.attention.self.query"),
            key=weights.dense(f"{layer}.attention.self.key"),
            value=weights.dense(f"{layer}.attention.self.value"),
            output=weights.dense(f"{layer}.attention.output.dense"),
            heads=config.num_attention_heads,
        ),
        attention_norm=weights.no_norm(f"{layer}.attention.output.LayerNorm"),
        feed_forwards=[_feed_forward(weights, name) for name in [*stacked, layer]],
        widen=weights.dense(f"{layer}.output.bottleneck.dense"),
        widen_norm=weights.no_norm(f"{layer}.output.bottleneck.LayerNorm"),
    )


def _narrowing(weights: Weights, name: str) -> _Narrowing:
    return _Narrowing(weights.dense(f"{name}.dense"), weights.no_norm(f"{name}.LayerNorm"))


def _feed_forward(weights: Weights, name: str) -> _FeedForward:
    intermediate, output = weights.dense(f"{name}.intermediate.dense"), weights.dense(f"{name}.output.dense")
    return _FeedForward(intermediate, output, weights.no_norm(f"{name}.output.LayerNorm"))
