from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn import metrics

from training.evaluation.calibration import at_temperature, calibration, fitted_temperature

LOGITS = arrays.arrays(np.float64, st.tuples(st.integers(1, 30), st.just(3)), elements=st.floats(-8, 8))


def probabilities_of(logits: Any) -> Any:
    exponentials = np.exp(logits)
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def drawn(count: int, temperature: float) -> tuple[Any, Any]:
    """Return sharpened probabilities, and gold labels drawn from the original probabilities."""
    generator = np.random.default_rng(5)
    honest = probabilities_of(generator.normal(0, 2, (count, 3)))
    gold = np.array([generator.choice(3, p=row) for row in honest])
    return at_temperature(honest, temperature), gold


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


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_fitted_temperature_recovers_the_true_one(temperature: float) -> None:
    probabilities, gold = drawn(4000, temperature)
    assert fitted_temperature(probabilities, gold) == pytest.approx(1 / temperature, rel=0.1)


def test_fitted_temperature_reduces_the_ece() -> None:
    probabilities, gold = drawn(4000, 0.4)
    fitted = at_temperature(probabilities, fitted_temperature(probabilities, gold))
    assert calibration(probabilities, gold).expected_error > 0.1
    assert calibration(fitted, gold).expected_error < 0.03


@given(LOGITS, st.floats(0.05, 20))
def test_temperature_does_not_change_labels(logits: Any, temperature: float) -> None:
    margins = np.diff(np.sort(logits, axis=1), axis=1)[:, -1]
    clear = logits[margins > 1e-6]
    before = probabilities_of(clear)
    assert at_temperature(before, temperature).argmax(axis=1).tolist() == before.argmax(axis=1).tolist()
