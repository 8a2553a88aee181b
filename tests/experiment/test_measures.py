import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.experiment.measures import accuracy, confusion, macro_f1
from stream.tweets.polarity import POLARITIES, Polarity

Pairs = list[tuple[Polarity, Polarity]]
pairs = st.lists(st.tuples(st.sampled_from(POLARITIES), st.sampled_from(POLARITIES)), min_size=1)


def counted(given_pairs: Pairs) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    gold, found = zip(*given_pairs, strict=True)
    return confusion(gold, found)


def f1_by_definition(given_pairs: Pairs, polarity: Polarity) -> float:
    found = sum(gold == label == polarity for gold, label in given_pairs)
    if found == 0:
        return 0.0
    precision = found / sum(label == polarity for _, label in given_pairs)
    recall = found / sum(gold == polarity for gold, _ in given_pairs)
    return 2 * precision * recall / (precision + recall)


@given(pairs)
def test_macro_f1_is_the_mean_of_the_f1_of_the_classes(given_pairs: Pairs) -> None:
    expected = np.mean([f1_by_definition(given_pairs, polarity) for polarity in POLARITIES])
    assert macro_f1(counted(given_pairs)) == pytest.approx(expected)


@given(pairs)
def test_accuracy_is_the_share_of_equal_labels(given_pairs: Pairs) -> None:
    assert accuracy(counted(given_pairs)) == pytest.approx(np.mean([gold == found for gold, found in given_pairs]))
