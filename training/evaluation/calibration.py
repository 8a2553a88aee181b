"""Agreement of confidence and accuracy (Guo et al., 2017)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.scores import Columns

BINS = 15
"""Number of confidence bins of equal width, as in Guo et al."""
_SMALLEST = 1e-12

Probabilities = NDArray[np.float64]
Logits = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """Agreement of confidence and accuracy."""

    confidence: NDArray[np.float64]
    """Mean confidence of each non-empty bin, ascending."""
    accuracy: NDArray[np.float64]
    """Accuracy of each non-empty bin."""
    tweets: NDArray[np.int64]
    """Number of tweets in each non-empty bin."""
    weights: NDArray[np.float64]
    """Summed weight of the tweets in each non-empty bin."""
    brier: float
    """Brier score: mean over tweets of the summed squared errors of the three probabilities, from 0 to 2."""
    negative_log_likelihood: float
    """Mean negative log-likelihood of the gold labels, in nats per tweet."""

    @property
    def expected_error(self) -> float:
        """Expected calibration error (ECE): mean distance of confidence and accuracy over the tweets."""
        return float(np.average(np.abs(self.confidence - self.accuracy), weights=self.weights))

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


def calibration(probabilities: Probabilities, gold: Columns, weights: NDArray[np.float64] | None = None) -> Calibration:
    """Measure the calibration of probabilities.

    Args:
        probabilities: Shape (tweets, 3).
        gold: Columns of the gold labels, shape (tweets,).
        weights: Weight of each tweet in all means, shape (tweets,); None: each the same.
    """
    weights = np.ones(len(gold)) if weights is None else weights
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == gold
    bins = confidence_bins(confidence)
    tweets, weight = np.bincount(bins, minlength=BINS), np.bincount(bins, weights, BINS).astype(np.float64)
    filled = tweets > 0
    one_hot = np.eye(probabilities.shape[1])[gold]
    return Calibration(
        confidence=np.bincount(bins, weights * confidence, BINS)[filled] / weight[filled],
        accuracy=np.bincount(bins, weights * right, BINS)[filled] / weight[filled],
        tweets=tweets[filled],
        weights=weight[filled],
        brier=float(np.average(((probabilities - one_hot) ** 2).sum(axis=1), weights=weights)),
        negative_log_likelihood=float(np.average(negative_log_likelihoods(probabilities, gold), weights=weights)),
    )


def confidence_bins(confidence: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the number of the bin of each confidence."""
    bins: NDArray[np.intp] = np.minimum((confidence * BINS).astype(np.intp), BINS - 1)
    return bins


def negative_log_likelihoods(probabilities: Probabilities, gold: Columns) -> NDArray[np.float64]:
    """Return the negative log-likelihood of each tweet's gold label in nats, shape (tweets,)."""
    right = np.take_along_axis(probabilities, gold[:, None], axis=1)[:, 0]
    likelihoods: NDArray[np.float64] = -np.log(np.maximum(right, _SMALLEST))
    return likelihoods


def softmax(logits: NDArray[np.float64]) -> Probabilities:
    """Return the probabilities of logits, shape (tweets, classes)."""
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: Probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    return probabilities
