"""Checkpoint of a fine-tuned BERT or MobileBERT in Hugging Face's format.

Its folder holds `config.json`, `model.safetensors` and `tokenizer.json`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load_file

from stream.model.bundle import TOKENIZER_FILE
from stream.tweets.polarity import POLARITIES, Polarity
from training.architectures import BertConfig, MobileBertConfig, ModelConfig, weight_shapes
from training.errors import CheckpointError

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"

Array = NDArray[np.float32]
_CONFIG: TypeAdapter[BertConfig | MobileBertConfig] = TypeAdapter(ModelConfig)


@dataclass(frozen=True)
class Checkpoint:
    """A complete checkpoint in float32."""

    path: Path
    config: BertConfig | MobileBertConfig
    weights: dict[str, Array]
    """Weights by Hugging Face's names; the weight of a dense layer has shape (outputs, inputs)."""

    @property
    def labels(self) -> list[Polarity]:
        """Polarity of each column of the logits."""
        return [cast("Polarity", self.config.id2label[column]) for column in sorted(self.config.id2label)]

    @property
    def weights_path(self) -> Path:
        """Path of the weights."""
        return self.path / WEIGHTS_FILE

    @property
    def tokenizer_path(self) -> Path:
        """Path of the tokeniser."""
        return self.path / TOKENIZER_FILE


def load_checkpoint(path: Path) -> Checkpoint:
    """Load a checkpoint's folder.

    Raises:
        CheckpointError: A file is missing or damaged, the model is not a BERT that classifies polarities, or weights
            are missing or have the wrong shape; the message says which.
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


def _read_config(path: Path) -> BertConfig | MobileBertConfig:
    try:
        config = _CONFIG.validate_json(path.read_bytes())
    except OSError as error:
        raise CheckpointError(f"no checkpoint at {path.parent}: cannot read {path.name} ({error.strerror})") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "it"
        raise CheckpointError(f"{path} cannot be converted: {where}: {first['msg']}") from error
    if sorted(config.id2label.values()) != sorted(POLARITIES):
        raise CheckpointError(
            f"{path} has the classes {', '.join(config.id2label.values())}: set id2label and label2id to "
            f"{', '.join(POLARITIES)}, in the order in which the model was trained"
        )
    return config


def _check_weights(path: Path, weights: dict[str, Array], expected: dict[str, tuple[int, ...]]) -> None:
    if missing := [name for name in expected if name not in weights]:
        raise CheckpointError(f"{path} lacks {listed(missing)}: is it a BERT fine-tuned for classification?")
    for name, shape in expected.items():
        if weights[name].shape != shape:
            raise CheckpointError(f"{path}: {name} has shape {weights[name].shape}, but {CONFIG_FILE} requires {shape}")


def listed(names: list[str]) -> str:
    """Return the first five names, and the number of the others."""
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"  # noqa: PLR2004
