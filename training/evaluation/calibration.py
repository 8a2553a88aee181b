"""Does a confidence of 0.8 mean right eight times in ten? And the temperature that makes it so (Guo et al., 2017)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from training.scores import Columns

BINS = 15
"""Of equal width over the confidence, as Guo et al. have it."""
_LOG_TEMPERATURES = (-3.0, 3.0)
"""Where the best is sought: from a twentieth to twenty."""
_SMALLEST = 1e-12

Probabilities = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """How well confidence and correctness agree."""

    confidence: NDArray[np.float64]
    """The mean confidence of each bin that has tweets, ascending."""
    accuracy: NDArray[np.float64]
    """The share of each such bin that is right."""
    tweets: NDArray[np.int64]
    """How many are in each such bin."""
    brier: float
    """The mean over the tweets of the squared differences of all three probabilities: from 0 to 2."""
    negative_log_likelihood: float
    """In nats a tweet."""

    @property
    def expected_error(self) -> float:
        """ECE: how far confidence and accuracy of a bin lie apart, mean over the tweets."""
        return float(np.average(np.abs(self.confidence - self.accuracy), weights=self.tweets))

    def as_json(self) -> dict[str, Any]:
        """Rounded to four places, with the bins."""
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
    """Measure how well probabilities mean what they say.

    Args:
        probabilities: Shape (tweets, 3).
        gold: The column that is right, shape (tweets,).
    """
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == gold
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    tweets = np.bincount(bins, minlength=BINS)
    filled = tweets > 0
    wanted = np.eye(probabilities.shape[1])[gold]
    return Calibration(
        confidence=np.bincount(bins, confidence, BINS)[filled] / tweets[filled],
        accuracy=np.bincount(bins, right, BINS)[filled] / tweets[filled],
        tweets=tweets[filled],
        brier=float(((probabilities - wanted) ** 2).sum(axis=1).mean()),
        negative_log_likelihood=_negative_log_likelihood(probabilities, gold),
    )


def at_temperature(probabilities: Probabilities, temperature: float) -> Probabilities:
    """What probabilities would be, had their logits been divided by `temperature`."""
    logits = np.log(np.maximum(probabilities, _SMALLEST)) / temperature
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    scaled: Probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    return scaled


def fitted_temperature(probabilities: Probabilities, gold: Columns) -> float:
    """Find what to divide the logits by, so that the gold labels are as likely as can be.

    Args:
        probabilities: Shape (tweets, 3).
        gold: The column that is right, shape (tweets,).
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
