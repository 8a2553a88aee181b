"""Classification of many tweets in batches of similar length, which need little padding."""

from collections.abc import Callable, Sequence

import numpy as np

from training.checkpoint import Array

TokenIds = Sequence[int]
_BATCH_TWEETS = 16


def logits_by_length(classify: Callable[[Sequence[TokenIds]], Array], token_ids: Sequence[TokenIds]) -> Array:
    """Classify tweets, shortest first.

    Args:
        classify: Takes a batch of token ids, returns logits of shape (batch, labels).
        token_ids: Token ids of each tweet.

    Returns:
        Logits, shape (tweets, labels), in the order of `token_ids`.
    """
    shortest_first = np.argsort([len(ids) for ids in token_ids], kind="stable")
    starts = range(0, len(token_ids), _BATCH_TWEETS)
    batches = [[token_ids[index] for index in shortest_first[start : start + _BATCH_TWEETS]] for start in starts]
    sorted_logits = np.concatenate([classify(batch) for batch in batches])
    logits = np.empty_like(sorted_logits)
    logits[shortest_first] = sorted_logits
    return logits
