"""Weights and token ids of an MPNet checkpoint, such as sentence-transformers/all-mpnet-base-v2."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from stream.tweets.cleaning import words

Array = NDArray[np.float32]
Weights = dict[str, Array]

START, PADDING, SEPARATOR = 0, 1, 2
LONGEST = 80
"""Tokens after which texts are cut."""
_FIRST_POSITION = 2
_PARTS = (
    ("output", "attention.attn.o"),
    ("norm1", "attention.LayerNorm"),
    ("inner", "intermediate.dense"),
    ("outer", "output.dense"),
    ("norm2", "output.LayerNorm"),
)
_HEAD_DEVIATION = 0.02


def read_weights(folder: Path) -> Weights:
    """Read a checkpoint's encoder; query, key and value of a layer become one matrix."""
    stored = load_file(folder / "model.safetensors")
    weights = {
        "words": stored["embeddings.word_embeddings.weight"],
        "positions": stored["embeddings.position_embeddings.weight"][_FIRST_POSITION:][:LONGEST],
        "norm0.weight": stored["embeddings.LayerNorm.weight"],
        "norm0.bias": stored["embeddings.LayerNorm.bias"],
        "distances": stored["encoder.relative_attention_bias.weight"],
    }
    layers = {int(name.split(".")[2]) for name in stored if name.startswith("encoder.layer.")}
    for layer in sorted(layers):
        prefix = f"encoder.layer.{layer}."
        for kind in ("weight", "bias"):
            inputs = [stored[f"{prefix}attention.attn.{part}.{kind}"] for part in "qkv"]
            weights[f"{layer}.inputs.{kind}"] = np.concatenate(inputs)
            for name, part in _PARTS:
                weights[f"{layer}.{name}.{kind}"] = stored[f"{prefix}{part}.{kind}"]
    return {name: np.ascontiguousarray(weight, np.float32) for name, weight in weights.items()}


def with_head(weights: Weights, outputs: int, seed: int) -> Weights:
    """Add a random classification head of two layers."""
    generator = np.random.default_rng(seed)
    width = weights["words"].shape[1]

    def drawn(*shape: int) -> Array:
        return generator.normal(0.0, _HEAD_DEVIATION, shape).astype(np.float32)

    return weights | {
        "pool.weight": drawn(width, width),
        "pool.bias": np.zeros(width, np.float32),
        "classes.weight": drawn(outputs, width),
        "classes.bias": np.zeros(outputs, np.float32),
    }


@dataclass(frozen=True)
class Texts:
    """Token ids of all texts."""

    ids: NDArray[np.int32]
    """Shape (texts, LONGEST), padded."""
    lengths: NDArray[np.int64]

    @classmethod
    def of(cls, sequences: Sequence[Sequence[int]]) -> "Texts":
        """Pad token ids."""
        lengths = np.array([len(sequence) for sequence in sequences], np.int64)
        ids = np.full((len(sequences), LONGEST), PADDING, np.int32)
        ids[np.arange(LONGEST) < lengths[:, None]] = np.concatenate([np.array(each, np.int32) for each in sequences])
        return cls(ids, lengths)


class Reader:
    """A checkpoint's tokenizer behind the service's cleaning.

    Args:
        folder: The checkpoint.
    """

    def __init__(self, folder: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.encode_special_tokens = True
        self._tokenizer.enable_truncation(LONGEST)

    def sequences(self, texts: Sequence[str]) -> list[list[int]]:
        """Return token ids of texts."""
        return [encoding.ids for encoding in self._tokenizer.encode_batch([words(text) for text in texts])]

    def pairs(self, texts: Sequence[str], entities: Sequence[str]) -> list[list[int]]:
        """Return token ids of texts, each followed by an entity; long texts are cut so that it fits."""
        names = sorted(set(entities))
        known = {name: ids[1:-1] for name, ids in zip(names, self.sequences(names), strict=True)}
        paired = []
        for ids, entity in zip(self.sequences(texts), entities, strict=True):
            second = [*known[entity], SEPARATOR]
            paired.append([*ids[:-1][: LONGEST - 1 - len(second)], SEPARATOR, *second])
        return paired
