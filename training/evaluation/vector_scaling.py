"""Calibration of logits by vector scaling (Guo et al., 2017), fitted on labelled tweets and judged by cross-fitting.

The logits get a temperature and a summand for each class, the bias. Temperature and biases together minimise the
negative log-likelihood of the gold labels, in which the classes have the weights of a stated prior: by default each
class counts the same, however many tweets it has.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from stream.errors import InputError
from stream.tweets.polarity import POLARITIES
from training.evaluation.calibration import Logits, Probabilities, softmax
from training.evaluation.last_layer import Affine
from training.scores import Columns

Method = Literal["temperature", "biases", "scales"]
METHODS: tuple[Method, ...] = ("temperature", "biases", "scales")
"""One temperature; one temperature and a bias for each class; a scale and a bias for each class."""
Weights = NDArray[np.float64]
Prior = NDArray[np.float64]
"""Shares of the classes, in the order of POLARITIES; their sum is 1."""

_CLASSES = len(POLARITIES)
_LOG_TEMPERATURE = (-3.0, 3.0)
"""Range of the logarithm of a temperature: temperatures from 0.05 to 20."""
_BIAS = (-10.0, 10.0)
_MOST_PLACES = 4
_FEWEST_TWEETS = 2
"""Number of tweets of each class, at least: each part of a cross-fitting needs one."""


@dataclass(frozen=True)
class Objective:
    """Method and class prior of a calibration."""

    method: Method
    prior: Prior
    """Prior for which the probabilities are calibrated."""


def class_shares(gold: Columns) -> Prior:
    """Return the share of each class among the tweets."""
    counts: Prior = np.bincount(gold, minlength=_CLASSES).astype(np.float64)
    return counts / len(gold)


def tweet_weights(gold: Columns, prior: Prior) -> Weights:
    """Return a weight for each tweet, so that the classes together weigh as the prior says; the mean is 1."""
    counts = np.bincount(gold, minlength=_CLASSES)
    weights: Weights = (prior / np.maximum(counts, 1))[gold]
    return weights / float(weights.mean())


def fit(logits: Logits, gold: Columns, objective: Objective) -> Affine:
    """Return the change of the logits that minimises the weighted negative log-likelihood of the gold labels.

    Temperature, scales and biases are rounded to four decimal places; the sum of the biases is about 0.

    Args:
        logits: Shape (tweets, 3).
        gold: Columns of the gold labels, shape (tweets,).
        objective: Method and class prior.
    """
    weights = tweet_weights(gold, objective.prior)
    right = np.eye(_CLASSES)[gold]
    scales = _CLASSES if objective.method == "scales" else 1
    biases = 0 if objective.method == "temperature" else _CLASSES

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return the loss and its gradient."""
        change = _change(parameters, scales)
        scaled = logits * change.scale
        probabilities = softmax(scaled + change.bias)
        error = weights[:, None] * (probabilities - right) / len(gold)
        by_scale = (error * scaled).sum(axis=0)
        by_bias = error.sum(axis=0)
        by_bias -= by_bias.mean()
        likelihood = np.log(np.maximum((probabilities * right).sum(axis=1), np.finfo(float).tiny))
        gradient = np.concatenate([-by_scale if scales > 1 else [-by_scale.sum()], by_bias[:biases]])
        return float(-(weights * likelihood).mean()), gradient

    found = minimize(
        loss,
        np.zeros(scales + biases),
        jac=True,
        method="L-BFGS-B",
        bounds=[_LOG_TEMPERATURE] * scales + [_BIAS] * biases,
        options={"ftol": 1e-12, "gtol": 1e-8, "maxiter": 1000},
    )
    return _rounded(_change(found.x, scales))


def cross_fitted(logits: Logits, gold: Columns, objective: Objective, folds: int, seed: int) -> Probabilities:
    """Return the probabilities of each tweet by a calibration that was fitted on the other folds.

    Each fold has about the same number of tweets of each class.

    Args:
        logits: Shape (tweets, 3).
        gold: Columns of the gold labels, shape (tweets,).
        objective: Method and class prior.
        folds: Number of folds.
        seed: Seed of the division into folds.
    """
    fold = fold_numbers(gold, folds, seed)
    probabilities = np.empty_like(logits)
    for number in range(folds):
        held_out = fold == number
        change = fit(logits[~held_out], gold[~held_out], objective)
        probabilities[held_out] = softmax(change.apply(logits[held_out]))
    return probabilities


def check_classes(gold: Columns, objective: Objective) -> None:
    """Check that there are tweets of each class.

    Raises:
        InputError: A class has too few tweets for its bias.
    """
    counts = np.bincount(gold, minlength=_CLASSES)
    for polarity, count in zip(POLARITIES, counts, strict=True):
        if count < _FEWEST_TWEETS and objective.method != "temperature":
            raise InputError(
                f"the data has {count} {polarity} tweets: fitting biases needs at least {_FEWEST_TWEETS} of each, "
                "and hundreds for a gain; use more data, or --method temperature"
            )


def fold_numbers(gold: Columns, folds: int, seed: int) -> NDArray[np.intp]:
    """Return the fold of each tweet."""
    fold = np.empty(len(gold), dtype=np.intp)
    shuffled = np.random.default_rng(seed).permutation(len(gold))
    by_class = shuffled[np.argsort(gold[shuffled], kind="stable")]
    fold[by_class] = np.arange(len(gold)) % folds
    return fold


def _change(parameters: NDArray[np.float64], scales: int) -> Affine:
    """Return the change of parameters: logarithms of temperatures, then biases, of which the mean does not matter."""
    temperatures = np.exp(np.broadcast_to(parameters[:scales], _CLASSES))
    biases = parameters[scales:]
    return Affine(1 / temperatures, biases - biases.mean() if len(biases) else np.zeros(_CLASSES))


def _rounded(change: Affine) -> Affine:
    return Affine(1 / np.round(1 / change.scale, _MOST_PLACES), np.round(change.bias, _MOST_PLACES))
