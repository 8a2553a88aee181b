"""A fine-tuned BERT as Hugging Face's libraries write it: `config.json`, `model.safetensors`, `tokenizer.json`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load_file

from stream.bundle import POLARITIES, TOKENIZER_FILE, Polarity
from training.errors import CheckpointError

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"

Array = NDArray[np.float32]


class BertConfig(BaseModel):
    """What `config.json` says that inference needs; a BERT of another kind is refused rather than run wrongly."""

    model_config = ConfigDict(frozen=True)

    model_type: Literal["bert"]
    hidden_act: Literal["gelu"]
    position_embedding_type: Literal["absolute"] = "absolute"
    pad_token_id: Literal[0] = 0
    vocab_size: int
    type_vocab_size: int
    max_position_embeddings: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int = Field(ge=1)
    num_attention_heads: int
    layer_norm_eps: float
    id2label: dict[int, str]


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint, complete and in float32."""

    path: Path
    config: BertConfig
    weights: dict[str, Array]
    """By Hugging Face's names; a dense layer's weight has shape (outputs, inputs)."""

    @property
    def labels(self) -> list[Polarity]:
        """The polarity of each column of the logits."""
        return [cast("Polarity", self.config.id2label[column]) for column in sorted(self.config.id2label)]

    @property
    def weights_path(self) -> Path:
        """Where the weights lie."""
        return self.path / WEIGHTS_FILE

    @property
    def tokenizer_path(self) -> Path:
        """Where the tokeniser lies."""
        return self.path / TOKENIZER_FILE


def load_checkpoint(path: Path) -> Checkpoint:
    """Loads a checkpoint's folder.

    Raises:
        CheckpointError: A file is missing or damaged, the model is not a BERT that labels polarities, or weights are
            missing or of the wrong shape; says which.
    """
    config = _read_config(path / CONFIG_FILE)
    if not (path / TOKENIZER_FILE).is_file():
        raise CheckpointError(f"{path} has no {TOKENIZER_FILE}: save the checkpoint's fast tokeniser there")
    try:
        weights = load_file(path / WEIGHTS_FILE)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"cannot read {path / WEIGHTS_FILE}: {error}") from error
    _check_weights(path / WEIGHTS_FILE, weights, weight_shapes(config))
    return Checkpoint(path, config, {name: weight.astype(np.float32) for name, weight in weights.items()})


def weight_shapes(config: BertConfig) -> dict[str, tuple[int, ...]]:
    """The name and the shape of every weight that a BERT of this configuration has."""
    hidden, inner = config.hidden_size, config.intermediate_size
    shapes: dict[str, tuple[int, ...]] = {
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


def _dense(name: str, outputs: int, inputs: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _norm(name: str, size: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (size,), f"{name}.bias": (size,)}


def _read_config(path: Path) -> BertConfig:
    try:
        config = BertConfig.model_validate_json(path.read_bytes())
    except OSError as error:
        raise CheckpointError(f"no checkpoint at {path.parent}: cannot read {path.name} ({error.strerror})") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "it"
        raise CheckpointError(f"{path} is not that of a BERT that can be converted: {where}: {first['msg']}") from error
    if sorted(config.id2label.values()) != sorted(POLARITIES):
        raise CheckpointError(
            f"{path} names the classes {', '.join(config.id2label.values())}: set id2label and label2id to "
            f"{', '.join(POLARITIES)}, in the order that the model was trained with"
        )
    return config


def _check_weights(path: Path, weights: dict[str, Array], expected: dict[str, tuple[int, ...]]) -> None:
    if missing := [name for name in expected if name not in weights]:
        raise CheckpointError(f"{path} lacks {listed(missing)}: is it a BERT fine-tuned for classification?")
    for name, shape in expected.items():
        if weights[name].shape != shape:
            raise CheckpointError(f"{path}: {name} has shape {weights[name].shape}, but {CONFIG_FILE} asks for {shape}")


def listed(names: list[str]) -> str:
    """Names the first few, and counts the rest."""
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"  # noqa: PLR2004
