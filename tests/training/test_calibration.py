from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn import metrics

from training.evaluation.calibration import calibration, softmax

LOGITS = arrays.arrays(np.float64, st.tuples(st.integers(1, 30), st.just(3)), elements=st.floats(-8, 8))


def probabilities_of(logits: Any) -> Any:
    exponentials = np.exp(logits)
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def test_ece_of_a_worked_example() -> None:
    # Two tweets at 0.9, one correct; two at 0.6, both correct.
    probabilities = np.array([[0.9, 0.1, 0], [0.9, 0.1, 0], [0.2, 0.6, 0.2], [0.2, 0.6, 0.2]])
    measured = calibration(probabilities, np.array([0, 1, 1, 1]))
    assert measured.expected_error == pytest.approx((abs(0.9 - 0.5) + abs(0.6 - 1)) / 2)
    assert measured.tweets.tolist() == [2, 2]


def test_confidence_of_1_is_in_the_last_bin() -> None:
    assert calibration(np.array([[1.0, 0, 0]]), np.array([0])).expected_error == 0


@given(LOGITS, st.randoms(use_true_random=False))
def test_brier_score_and_log_likelihood_equal_scikit_learn(logits: Any, chance: Any) -> None:
    probabilities = probabilities_of(logits)
    gold = np.array([chance.randrange(3) for _ in logits])
    measured = calibration(probabilities, gold)
    labels = [0, 1, 2]
    brier = metrics.brier_score_loss(gold, probabilities, labels=labels, scale_by_half=False)
    assert measured.brier == pytest.approx(brier)
    assert measured.negative_log_likelihood == pytest.approx(metrics.log_loss(gold, probabilities, labels=labels))


def test_weights_count_a_tweet_as_often_as_they_say() -> None:
    probabilities = probabilities_of(np.random.default_rng(0).normal(0, 1, (6, 3)))
    gold, times = np.array([0, 1, 2, 0, 1, 2]), np.array([1, 2, 3, 1, 1, 2])
    weighted = calibration(probabilities, gold, times.astype(float))
    repeated = calibration(np.repeat(probabilities, times, axis=0), np.repeat(gold, times))
    for name in ("expected_error", "brier", "negative_log_likelihood"):
        assert getattr(weighted, name) == pytest.approx(getattr(repeated, name))


@given(LOGITS)
def test_softmax_equals_its_definition(logits: Any) -> None:
    assert softmax(logits) == pytest.approx(probabilities_of(logits))
