"""Files of soft labels: logits found by a hash of the text, so that the files contain no text."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_KEY_BYTES = 8


def key_of(text: str, entity: str | None = None) -> int:
    """Return the key of a text, as the readers return it, before cleaning.

    Args:
        text: The tweet's text.
        entity: None: a soft label of sentiment; otherwise the entity, or an empty string if none is given.
    """
    keyed = text if entity is None else f"{text}\0{entity}"
    digest = hashlib.sha256(keyed.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:_KEY_BYTES], "big")


@dataclass(frozen=True)
class SoftLabels:
    """The content of a file of soft labels."""

    keys: NDArray[np.uint64]
    """Sorted; shape (texts,)."""
    logits: NDArray[np.float16]
    """Shape (texts, 3), columns in the order of POLARITIES."""
    fold: NDArray[np.int8]
    """The fold whose teachers alone were asked, because the others learned from the text; -1: all were asked."""

    @classmethod
    def read(cls, path: Path) -> "SoftLabels":
        """Read a file."""
        # Opened here, because NumPy leaves a damaged file open.
        with path.open("rb") as file, np.load(file) as arrays:
            return cls(arrays["keys"], arrays["logits"], arrays["fold"])

    @classmethod
    def of(cls, keys: Sequence[int], logits: NDArray[np.float32], fold: NDArray[np.int8]) -> "SoftLabels":
        """Sort soft labels by key; of equal keys, keep the first."""
        unique, first = np.unique(np.array(keys, np.uint64), return_index=True)
        return cls(unique, logits[first].astype(np.float16), fold[first])

    def write(self, path: Path) -> None:
        """Write a file."""
        np.savez_compressed(path, keys=self.keys, logits=self.logits, fold=self.fold)

    def rows(self, keys: Sequence[int]) -> NDArray[np.int64]:
        """Return the row of each key; -1: the file does not have it."""
        wanted = np.array(keys, np.uint64)
        found = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where(self.keys[found] == wanted, found, -1).astype(np.int64)
