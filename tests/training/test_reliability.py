from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.reliability import mean_reliability, reliability
from training.scores import score_columns

COLUMNS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=25)


def confusion_of(gold: Sequence[int], predicted: Sequence[int]) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return score_columns(np.array(gold), np.array(predicted)).confusion


def by_the_definition(gold: Sequence[int], predicted: Sequence[int]) -> float:
    """Return the reliability tweet by tweet: share of the predicted relations that the gold labels define."""
    shares = []
    for one in range(len(gold)):
        related = [other for other in range(len(gold)) if predicted[other] != predicted[one]]
        if related:
            signs = [np.sign(predicted[one] - predicted[other]) for other in related]
            shares.append(
                np.mean([np.sign(gold[one] - gold[other]) == sign for other, sign in zip(related, signs, strict=True)])
            )
    return float(np.mean(shares)) if shares else 0.0


def test_correct_labels_have_reliability_and_sensitivity_1() -> None:
    measured = reliability(confusion_of([0, 1, 2, 2], [0, 1, 2, 2]))
    assert (measured.reliability, measured.sensitivity, measured.f) == (1, 1, 1)


def test_constant_labels_define_no_relations() -> None:
    measured = reliability(confusion_of([0, 1, 2], [1, 1, 1]))
    assert (measured.reliability, measured.sensitivity, measured.f) == (0, 0, 0)


def test_opposite_labels_define_only_wrong_relations() -> None:
    assert reliability(confusion_of([0, 2], [2, 0])).f == 0


def test_worked_example_polar_predicted_neutral() -> None:
    # a negative, b neutral, c positive; a is predicted neutral. Predicted relations: a<c and b<c, both correct.
    # Of the gold relations a<b, a<c, b<c, half of those of a and of b are predicted, and all of those of c.
    measured = reliability(confusion_of([0, 1, 2], [1, 1, 2]))
    assert measured.reliability == pytest.approx(1)
    assert measured.sensitivity == pytest.approx((1 / 2 + 1 / 2 + 1) / 3)
    assert measured.f == pytest.approx(2 * (2 / 3) / (1 + 2 / 3))


def test_worked_example_neutral_predicted_polar() -> None:
    # a and b neutral, c positive; b is predicted negative. Predicted relations: a>b (not gold), c>a, c>b (gold).
    measured = reliability(confusion_of([1, 1, 2], [1, 0, 2]))
    assert measured.reliability == pytest.approx((1 / 2 + 1 / 2 + 1) / 3)
    assert measured.sensitivity == pytest.approx(1)


@given(COLUMNS)
def test_result_equals_the_definition_tweet_by_tweet(pairs: Sequence[tuple[int, int]]) -> None:
    gold, predicted = zip(*pairs, strict=True)
    measured = reliability(confusion_of(gold, predicted))
    assert measured.reliability == pytest.approx(by_the_definition(gold, predicted))
    assert measured.sensitivity == pytest.approx(by_the_definition(predicted, gold))


def test_entities_have_equal_weight() -> None:
    all_right, all_wrong = confusion_of([0, 2] * 10, [0, 2] * 10), confusion_of([0, 2], [2, 0])
    assert mean_reliability([all_right, all_wrong]).f == pytest.approx(0.5)
