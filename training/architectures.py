"""Architectures that can be converted: their `config.json`, and the names and shapes of their weights.

The fields accept only the variants that training/bert.py and training/mobilebert.py implement; any other configuration
is rejected.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Shapes = dict[str, tuple[int, ...]]
"""Shapes of weights by Hugging Face's names; the weight of a dense layer has shape (outputs, inputs)."""


class _Config(BaseModel):
    model_config = ConfigDict(frozen=True)

    pad_token_id: Literal[0] = 0
    vocab_size: int
    type_vocab_size: int
    max_position_embeddings: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int = Field(ge=1)
    num_attention_heads: int
    id2label: dict[int, str]


class BertConfig(_Config):
    """Configuration of BERT (Devlin et al., 2019)."""

    model_type: Literal["bert"]
    hidden_act: Literal["gelu"]
    position_embedding_type: Literal["absolute"] = "absolute"
    layer_norm_eps: float


class MobileBertConfig(_Config):
    """Configuration of MobileBERT (Sun et al., 2020), with the bottlenecks and norms of its published weights."""

    model_type: Literal["mobilebert"]
    hidden_act: Literal["relu"]
    normalization_type: Literal["no_norm"]
    trigram_input: Literal[True]
    use_bottleneck: Literal[True]
    use_bottleneck_attention: Literal[False]
    key_query_shared_bottleneck: Literal[True]
    classifier_activation: bool
    embedding_size: int
    intra_bottleneck_size: int
    num_feedforward_networks: int = Field(ge=1)


ModelConfig = Annotated[BertConfig | MobileBertConfig, Field(discriminator="model_type")]


def weight_shapes(config: BertConfig | MobileBertConfig) -> Shapes:
    """Return the name and the shape of each weight of a configuration."""
    match config:
        case BertConfig():
            return _bert(config)
        case MobileBertConfig():
            return _mobilebert(config)


def _bert(config: BertConfig) -> Shapes:
    hidden, inner = config.hidden_size, config.intermediate_size
    shapes: Shapes = {
        "bert.embeddings.word_embeddings.weight": (config.vocab_size, hidden),
        "bert.embeddings.position_embeddings.weight": (config.max_position_embeddings, hidden),
        "bert.embeddings.token_type_embeddings.weight": (config.type_vocab_size, hidden),
        **_norm("bert.embeddings.LayerNorm", hidden),
        **_dense("bert.pooler.dense", hidden, hidden),
        **_dense("classifier", len(config.id2label), hidden),
    }
    for number in range(config.num_hidden_layers):
        layer = f"bert.encoder.layer.{number}"
        for projection in ("self.query", "self.key", "self.value", "output.dense"):
            shapes |= _dense(f"{layer}.attention.{projection}", hidden, hidden)
        shapes |= _norm(f"{layer}.attention.output.LayerNorm", hidden)
        shapes |= _dense(f"{layer}.intermediate.dense", inner, hidden)
        shapes |= _dense(f"{layer}.output.dense", hidden, inner)
        shapes |= _norm(f"{layer}.output.LayerNorm", hidden)
    return shapes


def _mobilebert(config: MobileBertConfig) -> Shapes:
    hidden = config.hidden_size
    shapes: Shapes = {
        "mobilebert.embeddings.word_embeddings.weight": (config.vocab_size, config.embedding_size),
        "mobilebert.embeddings.position_embeddings.weight": (config.max_position_embeddings, hidden),
        "mobilebert.embeddings.token_type_embeddings.weight": (config.type_vocab_size, hidden),
        **_dense("mobilebert.embeddings.embedding_transformation", hidden, 3 * config.embedding_size),
        **_norm("mobilebert.embeddings.LayerNorm", hidden),
        **_dense("classifier", len(config.id2label), hidden),
    }
    if config.classifier_activation:
        shapes |= _dense("mobilebert.pooler.dense", hidden, hidden)
    for number in range(config.num_hidden_layers):
        shapes |= _mobilebert_layer(f"mobilebert.encoder.layer.{number}", config)
    return shapes


def _mobilebert_layer(layer: str, config: MobileBertConfig) -> Shapes:
    hidden, narrow, inner = config.hidden_size, config.intra_bottleneck_size, config.intermediate_size
    shapes: Shapes = {}
    for bottleneck in ("input", "attention"):
        shapes |= _dense(f"{layer}.bottleneck.{bottleneck}.dense", narrow, hidden)
        shapes |= _norm(f"{layer}.bottleneck.{bottleneck}.LayerNorm", narrow)
    for projection, inputs in (("query", narrow), ("key", narrow), ("value", hidden)):
        shapes |= _dense(f"{layer}.attention.self.{projection}", narrow, inputs)
    shapes |= _dense(f"{layer}.attention.output.dense", narrow, narrow)
    shapes |= _norm(f"{layer}.attention.output.LayerNorm", narrow)
    stacked = [f"{layer}.ffn.{number}" for number in range(config.num_feedforward_networks - 1)]
    for network in [*stacked, layer]:
        shapes |= _dense(f"{network}.intermediate.dense", inner, narrow)
        shapes |= _dense(f"{network}.output.dense", narrow, inner)
        shapes |= _norm(f"{network}.output.LayerNorm", narrow)
    shapes |= _dense(f"{layer}.output.bottleneck.dense", hidden, narrow)
    return shapes | _norm(f"{layer}.output.bottleneck.LayerNorm", hidden)


def _dense(name: str, outputs: int, inputs: int) -> Shapes:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _norm(name: str, size: int) -> Shapes:
    return {f"{name}.weight": (size,), f"{name}.bias": (size,)}
