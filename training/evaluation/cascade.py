"""Threshold of a cascade: the largest share answered by the first model at a bounded loss of macro-recall."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stream.errors import InputError
from stream.model.cascade import margins
from stream.tweets.polarity import POLARITIES
from training.evaluation.calibration import Probabilities
from training.evaluation.vector_scaling import fold_numbers
from training.scores import Columns, score_columns

Margins = NDArray[np.float64]
"""Difference of the first model's two highest probabilities, shape (tweets,)."""


@dataclass(frozen=True)
class CascadeTweets:
    """Answers of two models for the same labelled tweets."""

    gold: Columns
    """Gold labels, shape (tweets,)."""
    first: Columns
    """Labels of the first model, same shape."""
    second: Columns
    """Labels of the second model, same shape."""
    margins: Margins

    @classmethod
    def of(cls, gold: Columns, first: Probabilities, second: Probabilities) -> "CascadeTweets":
        """Make it from the probabilities of both models, shape (tweets, 3)."""
        # The service compares float32 margins with float32 thresholds.
        margin = margins(first.astype(np.float32)).astype(np.float64)
        return cls(gold, first.argmax(axis=1), second.argmax(axis=1), margin)

    def __len__(self) -> int:
        return len(self.gold)

    def part(self, chosen: NDArray[np.bool_]) -> "CascadeTweets":
        """Return the chosen tweets."""
        return CascadeTweets(self.gold[chosen], self.first[chosen], self.second[chosen], self.margins[chosen])

    def passed_on(self, threshold: float) -> NDArray[np.bool_]:
        """Return which tweets are passed on with this threshold."""
        return np.asarray(self.margins.astype(np.float32) < np.float32(threshold))

    def predicted(self, passed_on: NDArray[np.bool_]) -> Columns:
        """Return the cascade's labels."""
        return np.where(passed_on, self.second, self.first)


def check_all_classes(gold: Columns) -> None:
    """Check that each class occurs, because macro-recall is the mean of all.

    Raises:
        InputError: One does not.
    """
    for number, polarity in enumerate(POLARITIES):
        if not (gold == number).any():
            raise InputError(f"the data contain no {polarity} tweet: a threshold needs tweets of each class")


def fit_threshold(tweets: CascadeTweets, tolerance: float) -> float:
    """Return the lowest threshold from which on macro-recall is at most `tolerance` below the second model's.

    The loss grows and shrinks by chance while the threshold rises. So the loss must be small at each higher threshold
    too, not only at a lucky one.

    Args:
        tweets: Answers of both models.
        tolerance: Loss of macro-recall, 0 to 1.
    """
    order = np.argsort(-tweets.margins, kind="stable")  # the surest first
    totals = np.bincount(tweets.gold, minlength=len(POLARITIES))
    gained = (tweets.first == tweets.gold).astype(float) - (tweets.second == tweets.gold)
    # Change of macro-recall if the first model answers the surest tweet, the two surest ones, and so on.
    change = np.cumsum((gained / totals[tweets.gold] / len(POLARITIES))[order])
    margin = tweets.margins[order]
    is_possible = np.append(margin[1:] < margin[:-1], True)  # tweets of equal margins have one answer
    allowed = change >= -tolerance - 1e-12
    refused = np.flatnonzero(is_possible & ~allowed)
    last = refused[0] if len(refused) else len(order)
    places = np.flatnonzero(is_possible[:last])
    return float(margin[places[-1]]) if len(places) else 1.0


@dataclass(frozen=True)
class CrossFitted:
    """A cascade's labels of tweets, each with a threshold that was fitted on others."""

    predicted: Columns
    passed_on: NDArray[np.bool_]


def cross_fit_threshold(tweets: CascadeTweets, tolerance: float, folds: int, seed: int) -> CrossFitted:
    """Fit a threshold on all folds but one, and use it for that one; for each fold.

    Raises:
        InputError: A part without a fold lacks a class.
    """
    number = fold_numbers(tweets.gold, folds, seed)
    passed_on = np.zeros(len(tweets), dtype=np.bool_)
    for fold in range(folds):
        others = tweets.part(number != fold)
        check_all_classes(others.gold)
        passed_on[number == fold] = tweets.part(number == fold).passed_on(fit_threshold(others, tolerance))
    return CrossFitted(tweets.predicted(passed_on), passed_on)


def loss_curve(tweets: CascadeTweets, shares: list[float]) -> list[tuple[float, float, float]]:
    """Return threshold, share that is really passed on, and macro-recall, near each of these shares passed on."""
    ordered = np.sort(tweets.margins)
    found = []
    for share in shares:
        place = round(share * len(tweets))
        threshold = float(ordered[place]) if place < len(tweets) else 1.0
        passed_on = tweets.passed_on(threshold)
        recall = score_columns(tweets.gold, tweets.predicted(passed_on)).macro_recall
        found.append((threshold, float(passed_on.mean()), recall))
    return found
