"""A cascade of two models: a small one answers first, and the tweets that it is unsure of are passed on to the other.

The measure of certainty is the margin, the difference of the two highest probabilities. A tweet is passed on if the
margin is below the threshold of its most probable polarity.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stream.model.classifier import Classifier, Probabilities

_NEXT = -1
"""Separates the ids of two tokenizers in one row; no id is negative."""
FIRST, SECOND = 0.0, 1.0
"""The last column of a cascade's rows: the model that answered."""


def margins(probabilities: Probabilities) -> NDArray[np.float32]:
    """Return the difference of the two highest probabilities of each row, shape (rows,)."""
    ordered = np.sort(probabilities, axis=1)
    return np.asarray(ordered[:, -1] - ordered[:, -2], dtype=np.float32)


def is_unsure(probabilities: Probabilities, thresholds: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which rows are passed on, shape (rows,).

    Args:
        probabilities: Shape (rows, classes).
        thresholds: Threshold of each class, in the order of the columns.
    """
    return np.asarray(margins(probabilities) < thresholds[probabilities.argmax(axis=1)])


def joined_ids(first: Sequence[int], second: Sequence[int]) -> list[int]:
    """Return a row with the token ids of both models; without any of the first, the tweet is for the second alone."""
    return [*second, _NEXT, *first]


def _split_ids(row: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return the ids of the first and of the second model in a joined row."""
    ids = list(row)
    end = ids.index(_NEXT)
    return ids[end + 1 :], ids[:end]


class CascadeClassifier:
    """One interpreter of each of two models, which are used one after the other; not by two threads at once.

    Args:
        first: The small model.
        second: The other one.
        columns: Column of the first model's probabilities for each of the second's.
        thresholds: Threshold of each class, in the order of the second's columns.
        longest: Longest row of the second model, in tokens.
        shared: True if both read the same token ids; otherwise rows are as `joined_ids` makes them.
    """

    def __init__(
        self,
        first: Classifier,
        second: Classifier,
        *,
        columns: Sequence[int],
        thresholds: Sequence[float],
        longest: int,
        shared: bool,
    ) -> None:
        self._first = first
        self._second = second
        self._columns = list(columns)
        self._thresholds = np.asarray(thresholds, dtype=np.float32)
        self._longest = longest
        self._shared = shared

    def bucket(self, length: int) -> int:
        """Return the length bucket of the second model, in tokens, for a row of this length."""
        return self._second.bucket(length if self._shared else min(max(1, length // 2), self._longest))

    def probabilities(self, batch: Sequence[Sequence[int]]) -> Probabilities:
        """Classify a batch of tweets.

        Args:
            batch: The row of each tweet: its token ids, or those of both models.

        Returns:
            Shape (len(batch), 4): probabilities in the order of the second model's labels, and FIRST or SECOND.
        """
        pairs = [(row, row) if self._shared else _split_ids(row) for row in batch]
        rows = np.full((len(batch), len(self._columns) + 1), SECOND, dtype=np.float32)
        passed_on = np.ones(len(batch), dtype=np.bool_)
        if places := [place for place, (ids, _) in enumerate(pairs) if ids]:
            answers = self._first.probabilities([pairs[place][0] for place in places])[:, self._columns]
            rows[places, :-1], rows[places, -1] = answers, FIRST
            passed_on[places] = is_unsure(answers, self._thresholds)
        if places := np.flatnonzero(passed_on).tolist():
            rows[places, :-1] = self._second.probabilities([pairs[place][1] for place in places])
            rows[places, -1] = SECOND
        return rows
