"""Effect of a calibration on tweets that it was not fitted on, with bootstrap intervals."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stream.tweets.polarity import POLARITIES
from training.evaluation.bootstrap import RESAMPLES, Difference, difference
from training.evaluation.calibration import (
    BINS,
    Calibration,
    Probabilities,
    calibration,
    confidence_bins,
    negative_log_likelihoods,
)
from training.evaluation.vector_scaling import Prior, Weights, tweet_weights
from training.scores import Columns, Scores, score_columns

_UNITS: dict[str, tuple[float, str, int]] = {
    "macro_recall": (100, " points", 1),
    "log_loss": (1, " nats", 3),
    "ece": (100, " points", 1),
}
_TITLES = {"macro_recall": "gain of macro-recall", "log_loss": "decrease of log-loss", "ece": "decrease of ECE"}
Counts = NDArray[np.float64]
"""Number of times that each tweet is in a resample, shape (tweets,)."""


@dataclass(frozen=True)
class Measured:
    """Probabilities of tweets, and the measures that a calibration changes."""

    probabilities: Probabilities
    """Shape (tweets, 3)."""
    gold: Columns
    """Gold labels, shape (tweets,)."""
    prior: Prior
    """Prior by which the classes are weighted in the log-loss and in the weighted ECE."""

    @cached_property
    def scores(self) -> Scores:
        """Scores of the most probable labels."""
        return score_columns(self.gold, self.probabilities.argmax(axis=1))

    @cached_property
    def calibration(self) -> Calibration:
        """Calibration over the tweets as they are."""
        return calibration(self.probabilities, self.gold)

    @cached_property
    def weighted(self) -> Calibration:
        """Calibration over the tweets, the classes weighted by the prior."""
        return calibration(self.probabilities, self.gold, self.weights)

    @cached_property
    def weights(self) -> Weights:
        """Weight of each tweet by the prior."""
        return tweet_weights(self.gold, self.prior)

    def as_json(self) -> dict[str, Any]:
        """Return the measures, rounded to six decimal places."""
        return {
            "macro_recall": round(self.scores.macro_recall, 6),
            "recall": dict(zip(POLARITIES, self.scores.recall.round(6).tolist(), strict=True)),
            "log_loss": round(self.weighted.negative_log_likelihood, 6),
            "ece": round(self.calibration.expected_error, 6),
            "weighted_ece": round(self.weighted.expected_error, 6),
        }


@dataclass(frozen=True)
class Gain:
    """Improvement of one measure; positive is better."""

    difference: Difference

    @property
    def beyond_chance(self) -> bool:
        """True if the 95 % interval is above 0."""
        return self.difference.interval.low > 0

    def as_json(self) -> dict[str, object]:
        """Return the values, rounded to four decimal places."""
        return self.difference.as_json() | {"beyond_chance": self.beyond_chance}


def gains(before: Measured, after: Measured, seed: int) -> dict[str, Gain]:
    """Return the gains of macro-recall, log-loss and ECE, with intervals from the same resamples of the tweets.

    Log-loss and ECE are better if they are lower; their gain is the decrease.

    Args:
        before: Tweets before the calibration.
        after: The same tweets after it, each calibrated by a fit on others.
        seed: Seed of the resampling.
    """
    measures = _measures(before), _measures(after)
    tweets = len(before.gold)
    generator = np.random.default_rng(seed)
    values: dict[str, list[float]] = {name: [] for name in measures[0]}
    for number in range(1 + RESAMPLES):
        drawn = generator.integers(tweets, size=tweets)
        counts = np.bincount(drawn, minlength=tweets).astype(float) if number else np.ones(tweets)
        for name, each in values.items():
            each.append(measures[1][name](counts) - measures[0][name](counts))
    return {name: Gain(difference(each)) for name, each in values.items()}


def gain_sentence(measure: str, gain: Gain) -> str:
    """Return a gain in words, with its interval."""
    factor, unit, places = _UNITS[measure]
    value, interval = gain.difference.value, gain.difference.interval
    # The summand 0.0 makes 0 of a rounded -0.
    numbers = [f"{round(factor * number, places) + 0.0:+.{places}f}" for number in (value, interval.low, interval.high)]
    verdict = "is" if gain.beyond_chance else "is not"
    return f"{_TITLES[measure]}: {numbers[0]} [{numbers[1]}, {numbers[2]}]{unit}; the gain {verdict} beyond chance"


def _measures(measured: Measured) -> dict[str, Callable[[Counts], float]]:
    """Return functions of a resample; higher is better for all."""
    gold, weights, probabilities = measured.gold, measured.weights, measured.probabilities
    right = probabilities.argmax(axis=1) == gold
    likelihoods = -weights * negative_log_likelihoods(probabilities, gold)
    confidence = probabilities.max(axis=1)
    bins = confidence_bins(confidence)
    errors = confidence - right

    def macro_recall(counts: Counts) -> float:
        by_class, found = np.bincount(gold, counts, len(POLARITIES)), np.bincount(gold, counts * right, len(POLARITIES))
        return float((found / np.maximum(by_class, 1)).mean())

    def log_likelihood(counts: Counts) -> float:
        return float(counts @ likelihoods / (counts @ weights))

    def calibration_error(counts: Counts) -> float:
        return -float(np.abs(np.bincount(bins, counts * errors, BINS)).sum() / counts.sum())

    return {"macro_recall": macro_recall, "log_loss": log_likelihood, "ece": calibration_error}
