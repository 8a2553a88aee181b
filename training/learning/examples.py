"""Tweets as a network reads them: cleaned and tokenised as the service does it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer as WordPieces
from transformers import AutoTokenizer

from stream.model.bundle import TOKENIZER_FILE, Cleaning
from stream.tweets.cleaning import cleaner
from training.errors import CheckpointError
from training.learning.architectures import ARCHITECTURES
from training.learning.network import Config

UNKNOWN = -1
"""The gold column of a tweet that nobody labelled."""
_PADDINGS = ("[PAD]", "<pad>")


@dataclass(frozen=True)
class TweetTokenizer:
    """Reads texts into token ids.

    Args:
        word_pieces: The tokeniser, cutting at the longest input and not padding.
        cleaning: What is done to a text before.
    """

    word_pieces: WordPieces
    cleaning: Cleaning

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Read texts."""
        clean = cleaner(self.cleaning.name, self.cleaning.version)
        encodings = self.word_pieces.encode_batch_fast([clean(text) for text in texts])
        return [encoding.ids for encoding in encodings]


@dataclass(frozen=True)
class Examples:
    """Tweets to learn from, or to judge by."""

    token_ids: list[list[int]]
    gold: NDArray[np.int64]
    """The column of each one's polarity; -1 where nobody gave one."""

    @property
    def lengths(self) -> tuple[int, ...]:
        """Of each, in tokens."""
        return tuple(map(len, self.token_ids))


def read_tokenizer(folder: Path, max_tokens: int, config: Config) -> WordPieces:
    """Read a checkpoint's tokeniser, set to cut at `max_tokens` and not to pad.

    Args:
        folder: The checkpoint's.
        max_tokens: The longest input.
        config: The checkpoint's.

    Raises:
        CheckpointError: There is none, or it is another model's, or the model reads no inputs that long.
    """
    longest = config.max_position_embeddings - ARCHITECTURES[config.model_type].first_position
    if max_tokens > longest:
        raise CheckpointError(f"max_tokens is {max_tokens}, but {folder} reads at most {longest} tokens")
    word_pieces = _load(folder)
    entries, padding = word_pieces.get_vocab_size(), word_pieces.id_to_token(config.pad_token_id)
    if entries > config.vocab_size or padding not in _PADDINGS:
        raise CheckpointError(
            f"the tokeniser in {folder} does not fit its checkpoint: it has {entries} entries for {config.vocab_size} "
            f"embeddings, and its token {config.pad_token_id}, which is to fill up batches, is {padding}"
        )
    word_pieces.no_padding()
    word_pieces.enable_truncation(max_tokens)
    return word_pieces


def _load(folder: Path) -> WordPieces:
    try:
        if (folder / TOKENIZER_FILE).is_file():
            return WordPieces.from_file(str(folder / TOKENIZER_FILE))
        tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        return cast("WordPieces", tokenizer.backend_tokenizer)
    except Exception as error:  # the Rust side raises bare Exceptions
        raise CheckpointError(f"{folder} has no tokeniser that can be read: {error}") from error
