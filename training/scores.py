"""Scores of predicted labels against gold labels: the measures of SemEval-2017 Task 4 (Rosenthal et al., 2017)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stream.tweets.polarity import POLARITIES, Polarity

Columns = NDArray[np.intp]
"""Polarity of each tweet, as its index in POLARITIES."""


@dataclass(frozen=True)
class Scores:
    """Confusion matrix and the measures computed from it, all from 0 to 1."""

    confusion: NDArray[np.int64]
    """Number of tweets by gold label (rows) and predicted label (columns), both in the order of POLARITIES."""

    @property
    def tweets(self) -> int:
        """Number of tweets."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """Share of tweets whose predicted label is the gold label."""
        return float(self.confusion.trace() / self.tweets)

    @cached_property
    def recall(self) -> NDArray[np.float64]:
        """Recall of each class."""
        return _ratio(self.confusion.diagonal(), self.confusion.sum(axis=1))

    @cached_property
    def precision(self) -> NDArray[np.float64]:
        """Precision of each class."""
        return _ratio(self.confusion.diagonal(), self.confusion.sum(axis=0))

    @cached_property
    def f1(self) -> NDArray[np.float64]:
        """Harmonic mean of precision and recall of each class."""
        return _ratio(2 * self.precision * self.recall, self.precision + self.recall)

    @property
    def macro_recall(self) -> float:
        """Mean recall of the classes, by which SemEval ranks."""
        return float(self.recall.mean())

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the classes."""
        return float(self.f1.mean())

    @property
    def weighted_f1(self) -> float:
        """Mean F1 of the classes, weighted by their numbers of tweets."""
        return float(np.average(self.f1, weights=self.confusion.sum(axis=1)))

    @property
    def balanced_accuracy(self) -> float:
        """Mean recall of the classes that occur; equal to macro-recall if all classes occur."""
        return float(self.recall[self.confusion.sum(axis=1) > 0].mean())

    @property
    def polar_f1(self) -> float:
        """Mean F1 of positive and negative, by which SemEval ranked until 2016."""
        return float(self.f1[[POLARITIES.index("negative"), POLARITIES.index("positive")]].mean())

    def as_json(self) -> dict[str, Any]:
        """Return all measures, rounded to four decimal places."""
        by_class = zip(POLARITIES, self.precision, self.recall, self.f1, self.confusion, strict=True)
        return {
            "tweets": self.tweets,
            "macro_recall": round(self.macro_recall, 4),
            "macro_f1": round(self.macro_f1, 4),
            "weighted_f1": round(self.weighted_f1, 4),
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


def score(gold: Sequence[Polarity], predicted: Sequence[Polarity]) -> Scores:
    """Score predicted labels against gold labels of the same tweets."""
    return score_columns(columns(gold), columns(predicted))


def score_columns(gold: Columns, predicted: Columns) -> Scores:
    """Score predicted labels against gold labels of the same tweets, both as columns."""
    confusion = np.zeros((len(POLARITIES), len(POLARITIES)), dtype=np.int64)
    np.add.at(confusion, (gold, predicted), 1)
    return Scores(confusion)


def columns(polarities: Sequence[Polarity]) -> Columns:
    """Return the indices of polarities in POLARITIES, shape (len(polarities),)."""
    return np.array([POLARITIES.index(polarity) for polarity in polarities], dtype=np.intp)


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    """Return `part / whole`, with 0 where `whole` is 0."""
    ratio: NDArray[np.float64] = np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
    return ratio
