"""How far a score may be off by the chance of which tweets it was taken on (Efron and Tibshirani, 1993).

Tweets are drawn anew with replacement, many times, and scored each time. The scores here depend on a tweet through its
gold label and the labels given to it alone, so that drawing tweets is drawing from a multinomial distribution over
those combinations: the same thing, and a thousand times quicker.
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
    """In which 95 % of the resamples lie."""

    low: float
    high: float

    def as_json(self) -> list[float]:
        """Both ends, rounded to four places."""
        return [round(self.low, 4), round(self.high, 4)]


@dataclass(frozen=True)
class Difference:
    """How much better one bundle is than another on the same tweets."""

    value: float
    interval: Interval
    worse_share: float
    """The share of the resamples in which it is not better."""

    def as_json(self) -> dict[str, object]:
        """Rounded to four places."""
        return {
            "value": round(self.value, 4),
            "interval": self.interval.as_json(),
            "share_not_better": round(self.worse_share, 4),
        }


def intervals(confusion: NDArray[np.int64], measures: Mapping[str, Measure], seed: int) -> dict[str, Interval]:
    """Bootstrap one bundle's scores.

    Args:
        confusion: Tweets by gold label (rows) and given label (columns).
        measures: What is wanted, by name.
        seed: That of the draws.
    """
    resampled = [Scores(drawn) for drawn in _draws(confusion, seed)]
    return {name: _interval([measure(scores) for scores in resampled]) for name, measure in measures.items()}


def paired_differences(
    gold: Columns, first: Columns, second: Columns, measures: Mapping[str, Measure], seed: int
) -> dict[str, Difference]:
    """Bootstrap how much better the second bundle is than the first; the same tweets are drawn for both.

    Args:
        gold: What people said, shape (tweets,).
        first: What the first bundle said, same shape.
        second: What the second said.
        measures: What is wanted, by name.
        seed: That of the draws.
    """
    joint = np.zeros((len(POLARITIES),) * 3, dtype=np.int64)
    np.add.at(joint, (gold, first, second), 1)
    pairs = [_marginals(drawn) for drawn in (joint, *_draws(joint, seed))]
    return {
        name: _difference([measure(of_second) - measure(of_first) for of_first, of_second in pairs])
        for name, measure in measures.items()
    }


def _draws(counts: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Resample of a table of counts, shape (RESAMPLES, *counts.shape)."""
    tweets = counts.sum()
    drawn = np.random.default_rng(seed).multinomial(tweets, counts.ravel() / tweets, size=RESAMPLES)
    return drawn.reshape(-1, *counts.shape)


def _marginals(joint: NDArray[np.int64]) -> tuple[Scores, Scores]:
    return Scores(joint.sum(axis=2)), Scores(joint.sum(axis=1))


def _interval(values: Sequence[float]) -> Interval:
    low, high = np.percentile(values, _PERCENTILES).tolist()
    return Interval(low, high)


def _difference(values: Sequence[float]) -> Difference:
    value, *resampled = values
    return Difference(value, _interval(resampled), float(np.mean(np.asarray(resampled) <= 0)))
