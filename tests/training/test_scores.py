from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from stream.tweets.polarity import POLARITIES, Polarity
from training.scores import Scores, score

pytestmark = pytest.mark.training

PAIRS = st.lists(st.tuples(st.sampled_from(POLARITIES), st.sampled_from(POLARITIES)), min_size=1, max_size=60)


def test_confusion_counts_gold_and_predicted_labels() -> None:
    scores = score(["negative", "negative", "positive"], ["negative", "neutral", "positive"])
    assert scores.confusion.tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1]]


def test_measures_of_a_worked_example() -> None:
    scores = Scores(np.array([[8, 2, 0], [1, 6, 3], [0, 4, 16]]))
    assert scores.accuracy == pytest.approx(30 / 40)
    assert scores.macro_recall == pytest.approx((8 / 10 + 6 / 10 + 16 / 20) / 3)
    # F1 is twice the number of hits divided by the number of gold and predicted labels.
    assert scores.macro_f1 == pytest.approx((16 / 19 + 12 / 22 + 32 / 39) / 3)
    assert scores.polar_f1 == pytest.approx((16 / 19 + 32 / 39) / 2)


def test_never_predicted_class_scores_0() -> None:
    scores = score(["negative", "positive"], ["positive", "positive"])
    assert scores.precision.tolist() == [0, 0, 0.5]
    assert scores.f1.tolist() == pytest.approx([0, 0, 2 / 3])


def test_absent_class_counts_0_except_in_balanced_accuracy() -> None:
    scores = score(["negative", "positive"], ["negative", "negative"])
    assert scores.macro_recall == pytest.approx(1 / 3)
    assert scores.balanced_accuracy == pytest.approx(1 / 2)


@given(PAIRS)
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.filterwarnings("ignore:A single label was found")
def test_measures_equal_scikit_learn(pairs: Sequence[tuple[Polarity, Polarity]]) -> None:
    gold, predicted = zip(*pairs, strict=True)
    scores = score(gold, predicted)
    names = list(POLARITIES)
    expected = metrics.precision_recall_fscore_support(gold, predicted, labels=names, zero_division=0)
    np.testing.assert_allclose((scores.precision, scores.recall, scores.f1), expected[:3])
    assert scores.confusion.tolist() == metrics.confusion_matrix(gold, predicted, labels=names).tolist()
    assert scores.accuracy == pytest.approx(metrics.accuracy_score(gold, predicted))
    assert scores.balanced_accuracy == pytest.approx(metrics.balanced_accuracy_score(gold, predicted))
    assert scores.macro_f1 == pytest.approx(
        metrics.f1_score(gold, predicted, labels=names, average="macro", zero_division=0)
    )
    assert scores.weighted_f1 == pytest.approx(
        metrics.f1_score(gold, predicted, labels=names, average="weighted", zero_division=0)
    )
    assert scores.polar_f1 == pytest.approx(
        metrics.f1_score(gold, predicted, labels=["negative", "positive"], average="macro", zero_division=0)
    )
