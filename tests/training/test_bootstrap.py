import numpy as np
import pytest

from training.evaluation.bootstrap import intervals, paired_differences
from training.evaluation.measures import MEASURES
from training.scores import Scores, score_columns

CONFUSION = np.array([[60, 30, 10], [20, 150, 30], [5, 45, 150]])


def test_interval_equals_that_of_resampling_tweets() -> None:
    gold, given = (np.repeat(places, CONFUSION.ravel()) for places in np.indices((3, 3)).reshape(2, -1))
    generator = np.random.default_rng(1)
    resampled = []
    for _ in range(2000):
        chosen = generator.integers(0, len(gold), len(gold))
        resampled.append(score_columns(gold[chosen], given[chosen]).macro_recall)
    interval = intervals(CONFUSION, MEASURES, seed=0)["macro_recall"]
    assert [interval.low, interval.high] == pytest.approx(np.percentile(resampled, [2.5, 97.5]).tolist(), abs=0.006)


def test_intervals_contain_the_score() -> None:
    scores = Scores(CONFUSION)
    for name, interval in intervals(CONFUSION, MEASURES, seed=0).items():
        assert interval.low < MEASURES[name](scores) < interval.high


def test_same_seed_gives_same_interval() -> None:
    assert intervals(CONFUSION, MEASURES, seed=3) == intervals(CONFUSION, MEASURES, seed=3)
    assert intervals(CONFUSION, MEASURES, seed=3) != intervals(CONFUSION, MEASURES, seed=4)


def test_difference_of_a_bundle_from_itself_is_zero() -> None:
    gold, given = np.array([0, 1, 2, 2]), np.array([0, 1, 1, 2])
    difference = paired_differences(gold, given, given, MEASURES, seed=0)["accuracy"]
    assert (difference.value, difference.interval.low, difference.interval.high) == (0, 0, 0)


def test_clearly_better_bundle_has_an_interval_above_zero() -> None:
    generator = np.random.default_rng(2)
    gold = generator.integers(0, 3, 600)
    first = np.where(generator.random(600) < 0.6, gold, (gold + 1) % 3)
    second = np.where(generator.random(600) < 0.3, gold, first)
    difference = paired_differences(gold, first, second, MEASURES, seed=0)["accuracy"]
    assert difference.value == pytest.approx((second == gold).mean() - (first == gold).mean())
    assert difference.interval.low > 0
    assert difference.worse_share == 0
