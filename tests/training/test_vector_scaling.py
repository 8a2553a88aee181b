from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from stream.errors import InputError
from training.evaluation.bootstrap import paired_differences
from training.evaluation.calibration import calibration, softmax
from training.evaluation.calibration_gain import Measured, gain_sentence, gains
from training.evaluation.last_layer import Affine
from training.evaluation.measures import MEASURES
from training.evaluation.vector_scaling import (
    Method,
    Objective,
    check_classes,
    class_shares,
    cross_fitted,
    fit,
    tweet_weights,
)

LOGITS = arrays.arrays(np.float64, st.tuples(st.integers(1, 30), st.just(3)), elements=st.floats(-8, 8))
EQUAL = np.full(3, 1 / 3)
TILTED = np.array([0.2, 0.5, 0.3])


def drawn(scale: Any, bias: Any, count: int = 4000, seed: int = 5) -> tuple[Any, Any]:
    """Return logits, and gold labels drawn from the probabilities of `logits * scale + bias`."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 2, (count, 3))
    honest = softmax(logits * scale + bias)
    return logits, np.array([generator.choice(3, p=row) for row in honest])


def natural(method: Method, gold: Any) -> Objective:
    """Return an objective in which each tweet weighs the same."""
    return Objective(method, class_shares(gold))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_fitted_temperature_recovers_the_true_one(temperature: float) -> None:
    logits, gold = drawn(1 / temperature, 0.0)
    found = fit(logits, gold, natural("temperature", gold))
    assert 1 / found.scale == pytest.approx(np.full(3, temperature), rel=0.1)
    assert found.bias.tolist() == [0, 0, 0]


def test_fitted_temperature_and_biases_recover_the_true_ones() -> None:
    logits, gold = drawn(1 / 1.5, np.array([-0.5, 0.1, 0.4]))
    found = fit(logits, gold, natural("biases", gold))
    assert 1 / found.scale == pytest.approx(np.full(3, 1.5), rel=0.1)
    assert found.bias == pytest.approx([-0.5, 0.1, 0.4], abs=0.1)
    assert found.bias.sum() == pytest.approx(0, abs=2e-4)


def test_fitted_scales_and_biases_recover_the_true_ones() -> None:
    scale = np.array([0.5, 1.0, 1.5])
    logits, gold = drawn(scale, np.array([-0.5, 0.1, 0.4]))
    found = fit(logits, gold, natural("scales", gold))
    assert found.scale == pytest.approx(scale, rel=0.15)
    assert found.bias == pytest.approx([-0.5, 0.1, 0.4], abs=0.15)


@pytest.mark.parametrize("method", ["temperature", "biases", "scales"])
def test_values_have_four_decimal_places(method: Method) -> None:
    logits, gold = drawn(0.7, np.array([-0.5, 0.1, 0.4]), count=300)
    found = fit(logits, gold, natural(method, gold))
    for value in (*(1 / found.scale), *found.bias):
        assert value == pytest.approx(round(value, 4), abs=1e-12)


def test_biases_are_fitted_for_the_stated_prior() -> None:
    # Logits that are right where all classes are equally frequent; the tweets have other frequencies.
    logits, gold = drawn(1.0, 0.0, count=9000)
    kept = np.concatenate([np.flatnonzero(gold == column)[: 500 * (1 + column)] for column in range(3)])
    equal = fit(logits[kept], gold[kept], Objective("biases", EQUAL))
    assert equal.bias == pytest.approx([0, 0, 0], abs=0.15)
    tilted = fit(logits[kept], gold[kept], Objective("biases", TILTED))
    expected = np.log(TILTED) - np.log(TILTED).mean()
    assert tilted.bias == pytest.approx(expected, abs=0.15)


@pytest.mark.parametrize("prior", [EQUAL, TILTED])
def test_classes_together_weigh_as_the_prior_says(prior: Any) -> None:
    gold = np.array([0, 0, 0, 0, 1, 1, 2])
    weights = tweet_weights(gold, prior)
    assert weights.mean() == pytest.approx(1)
    assert np.bincount(gold, weights) / len(gold) == pytest.approx(prior)
    assert tweet_weights(gold, class_shares(gold)) == pytest.approx(np.ones(7))


def test_fitting_reduces_the_ece() -> None:
    logits, gold = drawn(0.4, 0.0)
    fitted = softmax(fit(logits, gold, natural("temperature", gold)).apply(logits))
    assert calibration(softmax(logits), gold).expected_error > 0.1
    assert calibration(fitted, gold).expected_error < 0.03


@given(LOGITS, st.randoms(use_true_random=False))
def test_temperature_does_not_change_labels(logits: Any, chance: Any) -> None:
    gold = np.array([chance.randrange(3) for _ in logits])
    margins = np.diff(np.sort(logits, axis=1), axis=1)[:, -1]
    changed = fit(logits, gold, natural("temperature", gold)).apply(logits)
    clear = margins > 1e-6
    assert changed[clear].argmax(axis=1).tolist() == logits[clear].argmax(axis=1).tolist()


def test_separable_tweets_give_finite_values() -> None:
    logits = np.array([[2.0, 0, 0], [0, 2, 0], [0, 0, 2]] * 2)
    for method in ("temperature", "biases", "scales"):
        found = fit(logits, np.array([0, 1, 2] * 2), Objective(method, EQUAL))
        assert (found.scale <= np.exp(3) + 0.1).all()
        assert (np.abs(found.bias) <= 20).all()


def test_cross_fitting_fits_each_tweet_by_others_only() -> None:
    # The labels say nothing, so a calibration that has seen a tweet's label describes it better than one that has not.
    generator = np.random.default_rng(3)
    logits, gold = generator.normal(0, 1, (60, 3)), generator.integers(3, size=60)
    objective = natural("scales", gold)
    seen = calibration(softmax(fit(logits, gold, objective).apply(logits)), gold)
    unseen = calibration(cross_fitted(logits, gold, objective, folds=10, seed=0), gold)
    assert seen.negative_log_likelihood < unseen.negative_log_likelihood - 0.02


def test_cross_fitting_depends_on_the_seed_alone() -> None:
    logits, gold = drawn(0.5, 0.0, count=100)
    objective = Objective("biases", EQUAL)
    first, same, other = (cross_fitted(logits, gold, objective, folds=5, seed=seed) for seed in (1, 1, 2))
    assert (first == same).all()
    assert (first != other).any()


def test_two_tweets_of_a_class_are_enough_for_any_number_of_folds() -> None:
    logits, gold = np.eye(3)[[0, 0, 1, 1, 2, 2]], np.array([0, 1, 1, 0, 2, 2])
    found = cross_fitted(logits, gold, Objective("biases", EQUAL), folds=10, seed=0)
    assert np.isfinite(found).all()
    assert found.sum(axis=1) == pytest.approx(np.ones(6))


@pytest.mark.parametrize("method", ["biases", "scales"])
def test_a_class_with_too_few_tweets_is_refused(method: Method) -> None:
    with pytest.raises(InputError, match="the data has 1 neutral tweets: fitting biases needs at least 2 of each"):
        check_classes(np.array([0, 0, 1, 2, 2]), Objective(method, EQUAL))
    check_classes(np.array([0, 0, 1, 1, 2, 2]), Objective(method, EQUAL))


def test_a_temperature_can_be_fitted_without_tweets_of_a_class() -> None:
    gold = np.array([0, 0, 2])
    check_classes(gold, Objective("temperature", EQUAL))
    assert np.isfinite(fit(np.eye(3), gold, Objective("temperature", EQUAL)).scale).all()


def test_the_gain_of_true_biases_is_beyond_chance() -> None:
    honest, gold = drawn(1.0, 0.0, count=1500)
    logits = Affine(np.full(3, 0.6), np.array([-1.0, 0.5, 0.5])).invert(honest)
    objective = Objective("biases", EQUAL)
    before = Measured(softmax(logits), gold, EQUAL)
    after = Measured(cross_fitted(logits, gold, objective, folds=5, seed=0), gold, EQUAL)
    found = gains(before, after, seed=0)
    assert all(gain.beyond_chance for gain in found.values())
    value = found["macro_recall"].difference.value
    assert value == pytest.approx(after.scores.macro_recall - before.scores.macro_recall)
    assert found["ece"].difference.value == pytest.approx(
        before.calibration.expected_error - after.calibration.expected_error
    )
    assert found["log_loss"].difference.value == pytest.approx(
        before.weighted.negative_log_likelihood - after.weighted.negative_log_likelihood
    )
    assert gain_sentence("macro_recall", found["macro_recall"]).endswith("points; the gain is beyond chance")


def test_the_gain_of_a_calibrated_model_is_not_beyond_chance() -> None:
    logits, gold = drawn(1.0, 0.0, count=600)
    before = Measured(softmax(logits), gold, EQUAL)
    found = gains(before, before, seed=0)
    assert [gain.beyond_chance for gain in found.values()] == [False] * 3
    assert gain_sentence("log_loss", found["log_loss"]) == (
        "decrease of log-loss: +0.000 [+0.000, +0.000] nats; the gain is not beyond chance"
    )


def test_interval_of_the_gain_equals_that_of_the_paired_bootstrap() -> None:
    logits, gold = drawn(1.0, np.array([-0.6, 0.3, 0.3]), count=500)
    after = softmax(logits + np.array([-0.6, 0.3, 0.3]))
    found = gains(Measured(softmax(logits), gold, EQUAL), Measured(after, gold, EQUAL), seed=0)["macro_recall"]
    expected = paired_differences(gold, logits.argmax(axis=1), after.argmax(axis=1), MEASURES, 1)["macro_recall"]
    assert found.difference.value == pytest.approx(expected.value)
    assert found.difference.interval.low == pytest.approx(expected.interval.low, abs=0.005)
    assert found.difference.interval.high == pytest.approx(expected.interval.high, abs=0.005)
