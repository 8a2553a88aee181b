"""Examples for training and evaluation: tweets cleaned and tokenised as in the service."""

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
from training.learning.batches import BatchOrder
from training.learning.network import Config
from training.pairs import with_entities

UNKNOWN = -1
"""Gold column of an unlabelled tweet."""
_PADDINGS = ("[PAD]", "<pad>")


@dataclass(frozen=True)
class TweetTokenizer:
    """Cleaning and tokenisation of texts.

    Args:
        word_pieces: Tokeniser, with truncation to the longest input and without padding.
        cleaning: Cleaning before tokenisation.
    """

    word_pieces: WordPieces
    cleaning: Cleaning

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of each text."""
        clean = cleaner(self.cleaning.name, self.cleaning.version)
        encodings = self.word_pieces.encode_batch_fast([clean(text) for text in texts])
        return [encoding.ids for encoding in encodings]

    def with_entities(self, token_ids: Sequence[Sequence[int]], entities: Sequence[str | None]) -> list[list[int]]:
        """Append the names of entities as second segments; None: the tweet has no entity."""
        truncation = cast("dict[str, int]", self.word_pieces.truncation)
        return with_entities(token_ids, entities, self.word_pieces, truncation["max_length"])


@dataclass(frozen=True)
class Examples:
    """Tokenised tweets with their gold labels."""

    token_ids: list[list[int]]
    gold: NDArray[np.int64]
    """Column of each tweet's polarity; -1 for unlabelled tweets."""
    without_entity: list[list[int]] | None = None
    """Token ids without the entities, where `token_ids` has them; None: no tweet has one."""
    copies: tuple[int, ...] | None = None
    """Number of times that each tweet occurs in an epoch; None: once."""
    needs_entity: NDArray[np.bool_] | None = None
    """Tweets whose entity is never left out, since their texts have different polarities towards several entities;
    None: no tweet."""

    @property
    def gold_in_epoch(self) -> NDArray[np.int64]:
        """Gold columns of an epoch, repeated as the tweets are."""
        return self.gold if self.copies is None else np.repeat(self.gold, self.copies)

    def rows(self, indices: NDArray[np.int64], without_entity: NDArray[np.bool_]) -> list[list[int]]:
        """Return the token ids of tweets, some of them without their entity."""
        bare = self.without_entity or self.token_ids
        return [
            bare[index] if is_bare else self.token_ids[index]
            for index, is_bare in zip(indices.tolist(), without_entity.tolist(), strict=True)
        ]

    def entity_dropout(self, order: BatchOrder, step: int, share: float) -> NDArray[np.bool_]:
        """Draw the tweets of a step whose entity is left out, the same ones each time."""
        drawn = order.drawn(step, share)
        return drawn if self.needs_entity is None else drawn & ~self.needs_entity[order.batch(step)]

    def order(self, batch_tweets: int, seed: int) -> BatchOrder:
        """Return the order of the tweets in training."""
        return BatchOrder(self.lengths, batch_tweets, seed, self.copies)

    @property
    def lengths(self) -> tuple[int, ...]:
        """Length of each tweet in tokens."""
        return tuple(map(len, self.token_ids))


def read_tokenizer(folder: Path, max_tokens: int, config: Config) -> WordPieces:
    """Read a checkpoint's tokeniser, with truncation to `max_tokens` and without padding.

    Args:
        folder: Folder of the checkpoint.
        max_tokens: Longest input in tokens.
        config: Configuration of the checkpoint.

    Raises:
        CheckpointError: The tokeniser is missing or belongs to another model, or the model supports only
            shorter inputs.
    """
    longest = config.max_position_embeddings - ARCHITECTURES[config.model_type].first_position
    if max_tokens > longest:
        raise CheckpointError(f"max_tokens is {max_tokens}, but {folder} supports at most {longest} tokens")
    word_pieces = _load(folder)
    entries, padding = word_pieces.get_vocab_size(), word_pieces.id_to_token(config.pad_token_id)
    if entries > config.vocab_size or padding not in _PADDINGS:
        raise CheckpointError(
            f"the tokeniser in {folder} does not belong to its checkpoint: it has {entries} entries for "
            f"{config.vocab_size} embeddings, and its padding token {config.pad_token_id} is {padding}"
        )
    word_pieces.no_padding()
    word_pieces.encode_special_tokens = True  # as in the service
    word_pieces.enable_truncation(max_tokens)
    return word_pieces


def _load(folder: Path) -> WordPieces:
    try:
        if (folder / TOKENIZER_FILE).is_file():
            return WordPieces.from_file(str(folder / TOKENIZER_FILE))
        tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        return cast("WordPieces", tokenizer.backend_tokenizer)
    except Exception as error:  # tokenizers raises plain Exceptions
        raise CheckpointError(f"cannot read the tokeniser in {folder}: {error}") from error
