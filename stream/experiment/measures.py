"""Accuracy and macro-F1 of given labels against gold labels, from 0 to 1."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stream.tweets.polarity import POLARITIES, Polarity


def confusion(gold: Sequence[Polarity], given: Sequence[Polarity]) -> NDArray[np.int64]:
    """Count tweets by gold label (rows) and given label (columns), both in the order of POLARITIES."""
    counts = np.zeros((len(POLARITIES), len(POLARITIES)), dtype=np.int64)
    rows = [POLARITIES.index(label) for label in gold]
    columns = [POLARITIES.index(label) for label in given]
    np.add.at(counts, (rows, columns), 1)
    return counts


def accuracy(counts: NDArray[np.int64]) -> float:
    """Return the share of tweets with their gold label; 0 without tweets."""
    return float(counts.trace() / max(1, counts.sum()))


def macro_f1(counts: NDArray[np.int64]) -> float:
    """Return the mean of the classes' F1 = 2·correct / (gold + given); a class that occurs in neither counts as 0."""
    together = counts.sum(axis=0) + counts.sum(axis=1)
    return float((2 * counts.diagonal() / np.maximum(together, 1)).mean())
