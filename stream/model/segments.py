"""The segments of a model's input: the tweet, and the entity whose reputation it concerns.

BERT tells two texts apart by token types: `[CLS] tweet [SEP]` has the type 0, `entity [SEP]` the type 1.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def token_types(batch: Sequence[Sequence[int]], length: int) -> NDArray[np.int32]:
    """Compute the token types of tweets, 0 for the tweet and for padding, 1 for the entity.

    The last id of each tweet is [SEP], and no text contains [SEP], so that the first one ends the tweet.

    Args:
        batch: The token ids of each tweet, with or without an entity.
        length: The padded length in tokens.

    Returns:
        The types, shape (len(batch), length).
    """
    types = np.zeros((len(batch), length), dtype=np.int32)
    for row, ids in zip(types, batch, strict=True):
        if len(ids):
            row[ids.index(ids[-1]) + 1 : len(ids)] = 1
    return types
