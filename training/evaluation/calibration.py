"""Calibration of probabilities, and temperature scaling (Guo et al., 2017)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from training.scores import Columns

BINS = 15
"""Number of confidence bins of equal width, as in Guo et al."""
_LOG_TEMPERATURES = (-3.0, 3.0)
"""Search range of the logarithm of the temperature: temperatures from 0.05 to 20."""
_SMALLEST = 1e-12

Probabilities = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """Agreement of confidence and accuracy."""

    confidence: NDArray[np.float64]
    """Mean confidence of each non-empty bin, ascending."""
    accuracy: NDArray[np.float64]
    """Accuracy of each non-empty bin."""
    tweets: NDArray[np.int64]
    """Number of tweets in each non-empty bin."""
    brier: float
    """Brier score: mean over tweets of the summed squared errors of the three probabilities, from 0 to 2."""
    negative_log_likelihood: float
    """Mean negative log-likelihood of the gold labels, in nats per tweet."""

    @property
    def expected_error(self) -> float:
        """Expected calibration error (ECE): mean distance of confidence and accuracy, weighted by tweets."""
        return float(np.average(np.abs(self.confidence - self.accuracy), weights=self.tweets))

    def as_json(self) -> dict[str, Any]:
        """Return all values, rounded to four decimal places, with the bins."""
        bins = zip(self.confidence, self.accuracy, self.tweets, strict=True)
        return {
            "ece": round(self.expected_error, 4),
            "ece_bins": BINS,
            "brier": round(self.brier, 4),
            "negative_log_likelihood": round(self.negative_log_likelihood, 4),
            "bins": [
                {"confidence": round(float(mean), 4), "accuracy": round(float(right), 4), "tweets": int(count)}
                for mean, right, count in bins
            ],
        }


def calibration(probabilities: Probabilities, gold: Columns) -> Calibration:
    """Measure the calibration of probabilities.

    Args:
        probabilities: Shape (tweets, 3).
        gold: Columns of the gold labels, shape (tweets,).
    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == gold
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    tweets = np.bincount(bins, minlength=BINS)
    filled = tweets > 0
    one_hot = np.eye(probabilities.shape[1])[gold]
    return Calibration(
        confidence=np.bincount(bins, confidence, BINS)[filled] / tweets[filled],
        accuracy=np.bincount(bins, right, BINS)[filled] / tweets[filled],
        tweets=tweets[filled],
        brier=float(((probabilities - one_hot) ** 2).sum(axis=1).mean()),
        negative_log_likelihood=_negative_log_likelihood(probabilities, gold),
    )


def at_temperature(probabilities: Probabilities, temperature: float) -> Probabilities:
    """Return the probabilities after division of their logits by `temperature`."""
    logits = np.log(np.maximum(probabilities, _SMALLEST)) / temperature
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    scaled: Probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    return scaled


def fitted_temperature(probabilities: Probabilities, gold: Columns) -> float:
    """Return the temperature that maximises the likelihood of the gold labels.

    Args:
        probabilities: Shape (tweets, 3).
        gold: Columns of the gold labels, shape (tweets,).
    """
    found = minimize_scalar(
        lambda log_temperature: _negative_log_likelihood(
            at_temperature(probabilities, float(np.exp(log_temperature))), gold
        ),
        bounds=_LOG_TEMPERATURES,
        method="bounded",
    )
    return float(np.exp(found.x))


def _negative_log_likelihood(probabilities: Probabilities, gold: Columns) -> float:
    right = np.take_along_axis(probabilities, gold[:, None], axis=1)
    return float(-np.log(np.maximum(right, _SMALLEST)).mean())
