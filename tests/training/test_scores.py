import numpy as np
import pytest

from training.scores import Scores, score

pytestmark = pytest.mark.training


def test_labels_are_counted_by_gold_and_given_label() -> None:
    scores = score(["negative", "negative", "positive"], ["negative", "neutral", "positive"])
    assert scores.confusion.tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1]]


def test_the_measures_are_those_worked_out_by_hand() -> None:
    scores = Scores(np.array([[8, 2, 0], [1, 6, 3], [0, 4, 16]]))
    assert scores.accuracy == pytest.approx(30 / 40)
    assert scores.macro_recall == pytest.approx((8 / 10 + 6 / 10 + 16 / 20) / 3)
    # F1 is twice the hits over gold and given labels together.
    assert scores.macro_f1 == pytest.approx((16 / 19 + 12 / 22 + 32 / 39) / 3)


def test_a_class_that_nobody_gave_scores_0() -> None:
    scores = score(["negative", "positive"], ["positive", "positive"])
    assert scores.precision.tolist() == [0, 0, 0.5]
    assert scores.f1.tolist() == pytest.approx([0, 0, 2 / 3])
