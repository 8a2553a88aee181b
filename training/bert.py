"""BERT classifier (Devlin et al., 2019, arXiv:1810.04805) in plain TensorFlow operations, for inference only.

It is written out instead of taken from a framework because three simplifications leave the logits unchanged:

- Only the state of [CLS] of the last layer is used, so no other token's query, output or feed-forward is computed
  there: 10 of a layer's 12 hidden² multiplications per token, 14 % of a six-layer model.
- The first row of the token type table is added to the position table in advance; only for entities the difference
  of the second row from it is added.
- The attention mask is computed from the padding id, so it is no input.
"""

from dataclasses import dataclass

import tensorflow as tf

from training.architectures import BertConfig
from training.checkpoint import Checkpoint
from training.layers import Attention, Dense, Norm, Tensor, TransformerClassifier, Weights


class BertClassifier(TransformerClassifier):
    """A checkpoint as a function from token ids to logits.

    Args:
        checkpoint: The weights.
        config: Configuration of the checkpoint.
        max_tokens: Longest input in tokens; the position table is truncated to it.
    """

    def __init__(self, checkpoint: Checkpoint, config: BertConfig, max_tokens: int) -> None:
        weights = Weights(checkpoint)
        self._words = weights.embedding("bert.embeddings.word_embeddings.weight")
        self._positions = weights.positions("bert.embeddings", max_tokens)
        self._norm = weights.norm("bert.embeddings.LayerNorm", config.layer_norm_eps)
        layers = [_layer(weights, config, number) for number in range(config.num_hidden_layers)]
        *self._layers, self._last_layer = layers
        self._pooler = weights.dense("bert.pooler.dense")
        self._classifier = weights.dense("classifier")
        self.variables = weights.variables

    def _embed(self, input_ids: Tensor, token_types: Tensor | None) -> Tensor:
        return self._norm(self._words(input_ids) + self._positions(input_ids, token_types))


@dataclass(frozen=True)
class _Layer:
    attention: Attention
    attention_norm: Norm
    intermediate: Dense
    output: Dense
    output_norm: Norm

    def __call__(self, queries: Tensor, states: Tensor, mask: Tensor) -> Tensor:
        """Return the next states of `queries` [batch, queries, hidden], which attend to all `states`."""
        attended = self.attention_norm(queries + self.attention(queries, states, states, mask))
        inner = tf.nn.gelu(self.intermediate(attended), approximate=False)
        return self.output_norm(attended + self.output(inner))


def _layer(weights: Weights, config: BertConfig, number: int) -> _Layer:
    layer = f"bert.encoder.layer.{number}"
    return _Layer(
        attention=Attention(
            query=weights.dense(f"{layer}.attention.self.query"),
            key=weights.dense(f"{layer}.attention.self.key"),
            value=weights.dense(f"{layer}.attention.self.value"),
            output=weights.dense(f"{layer}.attention.output.dense"),
            heads=config.num_attention_heads,
        ),
        attention_norm=weights.norm(f"{layer}.attention.output.LayerNorm", config.layer_norm_eps),
        intermediate=weights.dense(f"{layer}.intermediate.dense"),
        output=weights.dense(f"{layer}.output.dense"),
        output_norm=weights.norm(f"{layer}.output.LayerNorm", config.layer_norm_eps),
    )
