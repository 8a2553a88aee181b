"""Batches of training: tweets are shuffled each epoch and grouped by similar length.

The order depends on the seed and the number of the step only, so an interrupted run continues with the same batches.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil

import numpy as np
from numpy.typing import NDArray

_POOL_BATCHES = 50
"""Number of batches within which tweets are sorted by length: little padding, and different batches each epoch."""


@dataclass(frozen=True)
class BatchOrder:
    """Assignment of tweets to training steps."""

    lengths: tuple[int, ...]
    """Length of each tweet in tokens."""
    batch_tweets: int
    seed: int
    copies: tuple[int, ...] | None = None
    """Number of times that each tweet occurs in an epoch; None: once."""

    @property
    def steps_per_epoch(self) -> int:
        """Number of batches in an epoch."""
        tweets = len(self.lengths) if self.copies is None else sum(self.copies)
        return ceil(tweets / self.batch_tweets)

    def batch(self, step: int) -> NDArray[np.int64]:
        """Return the indices of the tweets of a step, counted from 0."""
        epoch, number = divmod(step, self.steps_per_epoch)
        return _epoch(self, epoch)[number]

    def generator(self, step: int) -> np.random.Generator:
        """Return a random number generator for a step, always with the same state."""
        return np.random.default_rng([self.seed, 1, step])

    def drawn(self, step: int, share: float) -> NDArray[np.bool_]:
        """Draw a share of a step's tweets, the same ones each time."""
        generator = np.random.default_rng([self.seed, 2, step])
        return generator.random(len(self.batch(step))) < share


@lru_cache(maxsize=1)
def _epoch(order: BatchOrder, epoch: int) -> list[NDArray[np.int64]]:
    generator = np.random.default_rng([order.seed, 0, epoch])
    tweets = np.arange(len(order.lengths))
    shuffled = generator.permutation(tweets if order.copies is None else np.repeat(tweets, order.copies))
    lengths = np.asarray(order.lengths)
    batches = []
    pool_tweets = order.batch_tweets * _POOL_BATCHES
    for start in range(0, len(shuffled), pool_tweets):
        pool = shuffled[start : start + pool_tweets]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        batches += [pool[first : first + order.batch_tweets] for first in range(0, len(pool), order.batch_tweets)]
    return [batches[number] for number in generator.permutation(len(batches))]


def padded(token_ids: Sequence[Sequence[int]], padding_id: int) -> NDArray[np.int32]:
    """Return rows of token ids as an array, padded to the longest row."""
    rows = np.full((len(token_ids), max(map(len, token_ids))), padding_id, dtype=np.int32)
    for row, ids in zip(rows, token_ids, strict=True):
        row[: len(ids)] = ids
    return rows
