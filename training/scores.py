"""How well labels match those that people gave: the measures of SemEval's Task 4 (Rosenthal et al., 2017)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stream.tweets.polarity import POLARITIES, Polarity

Columns = NDArray[np.intp]
"""A polarity for each tweet, by its place in POLARITIES."""


@dataclass(frozen=True)
class Scores:
    """The confusion of gold labels with given ones, and what follows from it. All measures are from 0 to 1."""

    confusion: NDArray[np.int64]
    """Tweets by gold label (rows) and given label (columns), both in the order of POLARITIES."""

    @property
    def tweets(self) -> int:
        """How many were labelled."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """The share of tweets with the gold label."""
        return float(self.confusion.trace() / self.tweets)

    @cached_property
    def recall(self) -> NDArray[np.float64]:
        """By class: the share of its tweets that were found."""
        return _ratio(self.confusion.diagonal(), self.confusion.sum(axis=1))

    @cached_property
    def precision(self) -> NDArray[np.float64]:
        """By class: the share of the labels given that were right."""
        return _ratio(self.confusion.diagonal(), self.confusion.sum(axis=0))

    @cached_property
    def f1(self) -> NDArray[np.float64]:
        """By class: the harmonic mean of precision and recall."""
        return _ratio(2 * self.precision * self.recall, self.precision + self.recall)

    @property
    def macro_recall(self) -> float:
        """The mean recall of the classes, by which SemEval ranks."""
        return float(self.recall.mean())

    @property
    def macro_f1(self) -> float:
        """The mean F1 of the classes."""
        return float(self.f1.mean())

    @property
    def balanced_accuracy(self) -> float:
        """The mean recall of the classes that occur: macro-recall, unless the data lacks a class."""
        return float(self.recall[self.confusion.sum(axis=1) > 0].mean())

    @property
    def polar_f1(self) -> float:
        """The mean F1 of positive and negative, by which SemEval ranked until 2016."""
        return float(self.f1[[POLARITIES.index("negative"), POLARITIES.index("positive")]].mean())

    def as_json(self) -> dict[str, Any]:
        """All of it, rounded to four places."""
        by_class = zip(POLARITIES, self.precision, self.recall, self.f1, self.confusion, strict=True)
        return {
            "tweets": self.tweets,
            "macro_recall": round(self.macro_recall, 4),
            "macro_f1": round(self.macro_f1, 4),
            "accuracy": round(self.accuracy, 4),
            "balanced_accuracy": round(self.balanced_accuracy, 4),
            "polar_f1": round(self.polar_f1, 4),
            "classes": {
                polarity: {
                    "precision": round(float(precision), 4),
                    "recall": round(float(recall), 4),
                    "f1": round(float(f1), 4),
                    "given_as": dict(zip(POLARITIES, row.tolist(), strict=True)),
                }
                for polarity, precision, recall, f1, row in by_class
            },
        }


def score(gold: Sequence[Polarity], given: Sequence[Polarity]) -> Scores:
    """Compare the labels given with the gold ones, tweet by tweet."""
    return score_columns(columns(gold), columns(given))


def score_columns(gold: Columns, given: Columns) -> Scores:
    """Compare the labels given with the gold ones, tweet by tweet."""
    confusion = np.zeros((len(POLARITIES), len(POLARITIES)), dtype=np.int64)
    np.add.at(confusion, (gold, given), 1)
    return Scores(confusion)


def columns(polarities: Sequence[Polarity]) -> Columns:
    """The polarities by their places in POLARITIES, shape (len(polarities),)."""
    return np.array([POLARITIES.index(polarity) for polarity in polarities], dtype=np.intp)


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    """`part / whole`, and 0 where there is nothing of the whole."""
    ratio: NDArray[np.float64] = np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
    return ratio
