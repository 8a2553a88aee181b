"""Learning the language of tweets: guessing words that were masked (Devlin et al., 2019, section 3.1)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tokenizers import Tokenizer as WordPieces

from training.errors import CheckpointError
from training.learning.batches import BatchOrder, padded
from training.learning.network import Network, Tensor
from training.learning.recipe import Adapt

_SPECIAL_TOKENS = ("[PAD]", "[CLS]", "[SEP]", "[UNK]", "<pad>", "<s>", "</s>", "<unk>")
_MASKS = ("[MASK]", "<mask>")
_MASKED_SHARE, _RANDOM_SHARE = 0.8, 0.1
"""Of the tokens to be guessed: so many are hidden, so many replaced, and the rest stay."""


class MaskedWords:
    """Cross-entropy of guesses at masked tokens.

    Args:
        network: With a head that guesses words.
        settings: The stage's.
        token_ids: Those of the tweets.
        word_pieces: The tokeniser.
        seed: Of the order of the tweets, and of what is masked in them.
    """

    def __init__(
        self, network: Network, settings: Adapt, token_ids: list[list[int]], word_pieces: WordPieces, seed: int
    ) -> None:
        self.network = network
        self.settings = settings
        self.order = BatchOrder(tuple(map(len, token_ids)), settings.batch_tweets, seed)
        ids = tf.TensorSpec([None, None], tf.int32)
        self.signature = (ids, ids)
        self._token_ids = token_ids
        masks = _ids(word_pieces, _MASKS)
        if not masks:
            raise CheckpointError(f"the tokeniser has no {_MASKS[0]}, so the model cannot be adapted by masking words")
        self._mask = masks[0]
        self._special = _ids(word_pieces, _SPECIAL_TOKENS)

    def inputs(self, step: int) -> Sequence[NDArray[Any]]:
        """Token ids with some masked, and the ids to be guessed, -1 elsewhere."""
        original = padded([self._token_ids[index] for index in self.order.batch(step)], self.network.padding_id)
        generator = self.order.generator(step)
        guessed = (generator.random(original.shape) < self.settings.masked) & ~np.isin(original, self._special)
        fate = generator.random(original.shape)
        random_ids = generator.integers(0, self.network.config.vocab_size, original.shape, dtype=np.int32)
        replaced = np.where(fate < _MASKED_SHARE + _RANDOM_SHARE, random_ids, original)
        shown = np.where(fate < _MASKED_SHARE, np.int32(self._mask), replaced)
        return np.where(guessed, shown, original), np.where(guessed, original, np.int32(-1))

    def loss(self, *inputs: Tensor) -> Tensor:
        """The mean over the tokens to be guessed."""
        shown, wanted = inputs
        guessed = wanted >= 0
        logits = self.network.word_logits(shown, guessed, training=True)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.boolean_mask(wanted, guessed), logits)
        return tf.math.divide_no_nan(tf.reduce_sum(losses), tf.cast(tf.size(losses), tf.float32))


def _ids(word_pieces: WordPieces, tokens: Sequence[str]) -> list[int]:
    """Of those tokens that a tokeniser has."""
    ids = (word_pieces.token_to_id(token) for token in tokens)
    return [token_id for token_id in ids if token_id is not None]
