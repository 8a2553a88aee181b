"""BERT that classifies (Devlin et al., 2019, arXiv:1810.04805), in plain TensorFlow operations, for inference alone.

Written out rather than taken from a framework, because three things that a framework does need not be done here, and
the logits stay the same:

- Of the last layer only the state of [CLS] is read, so no other token's query, output or feed-forward is computed:
  10 of a layer's 12 hidden² multiplications a token, 14 % of a model of six layers.
- A tweet is one segment: the first row of the token type table is added to the position table beforehand.
- The mask follows from the padding id, so the model has one input, which nobody can mix up with another.

Shapes: a *batch* of rows, each of *tokens* states of *hidden* numbers, divided among *heads*.
"""

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from stream.bundle import PADDING_ID
from training.checkpoint import Array, BertConfig, Checkpoint

Tensor = Any
"""A tf.Tensor; TensorFlow comes without types."""

_MASKED = -1e9
"""Added to the scores of padding, which the softmax makes 0."""


class BertClassifier:
    """A checkpoint as a function from token ids to logits.

    Args:
        checkpoint: The weights.
        max_tokens: The longest input; the position table is cut there.
    """

    def __init__(self, checkpoint: Checkpoint, max_tokens: int) -> None:
        self._config = checkpoint.config
        self.variables: list[Any] = []
        """All weights, as tf.Variable: what a tf.Module must hold for them to be saved."""
        weights = _Weights(checkpoint, self.variables)
        self._words = weights.variable(weights.array("bert.embeddings.word_embeddings.weight"))
        first_type = weights.array("bert.embeddings.token_type_embeddings.weight")[0]
        positions = weights.array("bert.embeddings.position_embeddings.weight")[:max_tokens]
        self._positions = weights.variable(positions + first_type)
        self._norm = weights.norm("bert.embeddings.LayerNorm")
        layers = [_layer(weights, number) for number in range(self._config.num_hidden_layers)]
        *self._layers, self._last_layer = layers
        self._pooler = weights.dense("bert.pooler.dense")
        self._classifier = weights.dense("classifier")

    def logits(self, input_ids: Tensor) -> Tensor:
        """Classifies a batch.

        Args:
            input_ids: int32 [batch, tokens], each row beginning with [CLS] and filled up with the padding id.

        Returns:
            float32 [batch, labels].
        """
        batch = tf.shape(input_ids)[0]
        mask = tf.reshape(tf.cast(tf.equal(input_ids, PADDING_ID), tf.float32) * _MASKED, [batch, 1, 1, -1])
        states = self._embed(input_ids)
        for layer in self._layers:
            states = layer(states, states, mask)
        # Not states[:, :1]: the converter cannot translate indexing where the shape is dynamic.
        first = tf.slice(states, [0, 0, 0], [-1, 1, -1])
        summary = tf.squeeze(self._last_layer(first, states, mask), axis=1)
        return self._classifier(tf.tanh(self._pooler(summary)))

    def _embed(self, input_ids: Tensor) -> Tensor:
        tokens = tf.shape(input_ids)[1]
        positions = tf.slice(self._positions, [0, 0], [tokens, self._config.hidden_size])
        return self._norm(tf.gather(self._words, input_ids) + positions)


@dataclass(frozen=True)
class _Dense:
    kernel: Tensor  # [inputs, outputs]
    bias: Tensor  # [outputs]

    def __call__(self, states: Tensor) -> Tensor:
        return tf.matmul(states, self.kernel) + self.bias


@dataclass(frozen=True)
class _Norm:
    """Layer normalisation (Ba et al., 2016, arXiv:1607.06450)."""

    scale: Tensor  # [hidden]
    shift: Tensor  # [hidden]
    epsilon: float

    def __call__(self, states: Tensor) -> Tensor:
        centred = states - tf.reduce_mean(states, axis=-1, keepdims=True)
        variance = tf.reduce_mean(tf.square(centred), axis=-1, keepdims=True)
        # A scale applied last the converter would fold into the next layer's weights, and make their int8 coarser.
        return centred * (tf.math.rsqrt(variance + self.epsilon) * self.scale) + self.shift


@dataclass(frozen=True)
class _Attention:
    """Scaled dot-product attention with several heads (Vaswani et al., 2017, arXiv:1706.03762, equation 1)."""

    query: _Dense
    key: _Dense
    value: _Dense
    output: _Dense
    heads: int

    def __call__(self, readers: Tensor, states: Tensor, mask: Tensor) -> Tensor:
        """What each of `readers` [batch, readers, hidden] gathers from `states` [batch, tokens, hidden]."""
        query = self._split(self.query(readers))
        key = self._split(self.key(states))
        value = self._split(self.value(states))
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


@dataclass(frozen=True)
class _Layer:
    attention: _Attention
    attention_norm: _Norm
    intermediate: _Dense
    output: _Dense
    output_norm: _Norm

    def __call__(self, readers: Tensor, states: Tensor, mask: Tensor) -> Tensor:
        """The next states of `readers` [batch, readers, hidden], which attend to all `states`."""
        attended = self.attention_norm(readers + self.attention(readers, states, mask))
        inner = tf.nn.gelu(self.intermediate(attended), approximate=False)
        return self.output_norm(attended + self.output(inner))


class _Weights:
    """Makes variables of a checkpoint's arrays and collects them."""

    def __init__(self, checkpoint: Checkpoint, variables: list[Any]) -> None:
        self.config: BertConfig = checkpoint.config
        self._arrays = checkpoint.weights
        self._variables = variables

    def array(self, name: str) -> Array:
        return self._arrays[name]

    def variable(self, array: Array) -> Tensor:
        self._variables.append(tf.Variable(array, trainable=False))
        return self._variables[-1]

    def dense(self, name: str) -> _Dense:
        kernel = self.variable(self.array(f"{name}.weight").T)
        return _Dense(kernel, self.variable(self.array(f"{name}.bias")))

    def norm(self, name: str) -> _Norm:
        scale, shift = self.variable(self.array(f"{name}.weight")), self.variable(self.array(f"{name}.bias"))
        return _Norm(scale, shift, self.config.layer_norm_eps)


def _layer(weights: _Weights, number: int) -> _Layer:
    layer = f"bert.encoder.layer.{number}"
    return _Layer(
        attention=_Attention(
            query=weights.dense(f"{layer}.attention.self.query"),
            key=weights.dense(f"{layer}.attention.self.key"),
            value=weights.dense(f"{layer}.attention.self.value"),
            output=weights.dense(f"{layer}.attention.output.dense"),
            heads=weights.config.num_attention_heads,
        ),
        attention_norm=weights.norm(f"{layer}.attention.output.LayerNorm"),
        intermediate=weights.dense(f"{layer}.intermediate.dense"),
        output=weights.dense(f"{layer}.output.dense"),
        output_norm=weights.norm(f"{layer}.output.LayerNorm"),
    )
