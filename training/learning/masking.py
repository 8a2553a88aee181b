"""Masked-language modelling (Devlin et al., 2019, section 3.1), for adaptation to the language of tweets."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tokenizers import Tokenizer as WordPieces

from training.errors import CheckpointError
from training.learning.batches import padded
from training.learning.examples import Examples
from training.learning.network import Network, Tensor
from training.learning.recipe import Adapt

_SPECIAL_TOKENS = ("[PAD]", "[CLS]", "[SEP]", "[UNK]", "<pad>", "<s>", "</s>", "<unk>")
_MASKS = ("[MASK]", "<mask>")
_MASKED_SHARE, _RANDOM_SHARE = 0.8, 0.1
"""Shares of the selected tokens that are replaced by the mask and by a random token; the others stay."""


class MaskedWords:
    """Masked-language modelling objective: cross-entropy at the selected tokens.

    Args:
        network: Network with a head for masked-language modelling.
        settings: Settings of the stage.
        examples: Tweets; their gold labels are ignored.
        word_pieces: Tokeniser.
        seed: Seed of the order of the tweets and of the selection of tokens.
    """

    def __init__(
        self, network: Network, settings: Adapt, examples: Examples, word_pieces: WordPieces, seed: int
    ) -> None:
        self.network = network
        self.settings = settings
        self.order = examples.order(settings.batch_tweets, seed)
        ids = tf.TensorSpec([None, None], tf.int32)
        self.signature = (ids, ids)
        self._token_ids = examples.token_ids
        masks = _ids(word_pieces, _MASKS)
        if not masks:
            raise CheckpointError(f"the tokeniser has no {_MASKS[0]} token, so [adapt] is not possible with this model")
        self._mask = masks[0]
        self._special = _ids(word_pieces, _SPECIAL_TOKENS)

    def inputs(self, step: int) -> Sequence[NDArray[Any]]:
        """Return token ids with masks, and the original ids of the selected tokens, -1 elsewhere."""
        original = padded([self._token_ids[index] for index in self.order.batch(step)], self.network.padding_id)
        generator = self.order.generator(step)
        selected = (generator.random(original.shape) < self.settings.masked) & ~np.isin(original, self._special)
        choice = generator.random(original.shape)
        random_ids = generator.integers(0, self.network.config.vocab_size, original.shape, dtype=np.int32)
        replaced = np.where(choice < _MASKED_SHARE + _RANDOM_SHARE, random_ids, original)
        masked = np.where(choice < _MASKED_SHARE, np.int32(self._mask), replaced)
        return np.where(selected, masked, original), np.where(selected, original, np.int32(-1))

    def loss(self, *inputs: Tensor) -> Tensor:
        """Return the mean loss over the selected tokens."""
        masked, original = inputs
        selected = original >= 0
        logits = self.network.word_logits(masked, selected, training=True)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.boolean_mask(original, selected), logits)
        return tf.math.divide_no_nan(tf.reduce_sum(losses), tf.cast(tf.size(losses), tf.float32))


def _ids(word_pieces: WordPieces, tokens: Sequence[str]) -> list[int]:
    """Return the ids of those tokens that the tokeniser has."""
    ids = (word_pieces.token_to_id(token) for token in tokens)
    return [token_id for token_id in ids if token_id is not None]
