"""Bootstrap confidence intervals of scores (Efron and Tibshirani, 1993).

Tweets are resampled with replacement and scored many times. The scores depend only on the gold label and the predicted
labels of each tweet, so resampling tweets is equivalent to drawing from a multinomial distribution over the
combinations of labels, which is a thousand times faster.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stream.tweets.polarity import POLARITIES
from training.evaluation.measures import Measure
from training.scores import Columns, Scores

RESAMPLES = 2000
_PERCENTILES = (2.5, 97.5)


@dataclass(frozen=True)
class Interval:
    """95 % interval of the resamples."""

    low: float
    high: float

    def as_json(self) -> list[float]:
        """Return both ends, rounded to four decimal places."""
        return [round(self.low, 4), round(self.high, 4)]


@dataclass(frozen=True)
class Difference:
    """Difference between the scores of two bundles on the same tweets."""

    value: float
    interval: Interval
    worse_share: float
    """Share of the resamples in which the second bundle is not better."""

    def as_json(self) -> dict[str, object]:
        """Return the values, rounded to four decimal places."""
        return {
            "value": round(self.value, 4),
            "interval": self.interval.as_json(),
            "share_not_better": round(self.worse_share, 4),
        }


def intervals(confusion: NDArray[np.int64], measures: Mapping[str, Measure], seed: int) -> dict[str, Interval]:
    """Return bootstrap intervals of one bundle's scores.

    Args:
        confusion: Number of tweets by gold label (rows) and predicted label (columns).
        measures: Measures by name.
        seed: Seed of the resampling.
    """
    resampled = [Scores(drawn) for drawn in _draws(confusion, seed)]
    return {name: _interval([measure(scores) for scores in resampled]) for name, measure in measures.items()}


def paired_differences(
    gold: Columns, first: Columns, second: Columns, measures: Mapping[str, Measure], seed: int
) -> dict[str, Difference]:
    """Return bootstrap intervals of the differences between two bundles, from the same resamples for both.

    Args:
        gold: Gold labels, shape (tweets,).
        first: Labels predicted by the first bundle, same shape.
        second: Labels predicted by the second bundle, same shape.
        measures: Measures by name.
        seed: Seed of the resampling.
    """
    joint = np.zeros((len(POLARITIES),) * 3, dtype=np.int64)
    np.add.at(joint, (gold, first, second), 1)
    pairs = [_marginals(drawn) for drawn in (joint, *_draws(joint, seed))]
    return {
        name: difference([measure(of_second) - measure(of_first) for of_first, of_second in pairs])
        for name, measure in measures.items()
    }


def difference(values: Sequence[float]) -> Difference:
    """Return a difference, given first, with the interval of its values in resamples, which follow."""
    value, *resampled = values
    return Difference(value, _interval(resampled), float(np.mean(np.asarray(resampled) <= 0)))


def _draws(counts: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Resample a table of counts; return shape (RESAMPLES, *counts.shape)."""
    tweets = counts.sum()
    drawn = np.random.default_rng(seed).multinomial(tweets, counts.ravel() / tweets, size=RESAMPLES)
    return drawn.reshape(-1, *counts.shape)


def _marginals(joint: NDArray[np.int64]) -> tuple[Scores, Scores]:
    return Scores(joint.sum(axis=2)), Scores(joint.sum(axis=1))


def _interval(values: Sequence[float]) -> Interval:
    low, high = np.percentile(values, _PERCENTILES).tolist()
    return Interval(low, high)
