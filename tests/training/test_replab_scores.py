from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from stream.tweets.polarity import POLARITIES, Polarity
from training.data.tweets import LabelledTweet
from training.evaluation.baselines import baseline_labels
from training.evaluation.replab import ReplabScores, have_entities
from training.scores import columns

ROWS = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from(POLARITIES), st.sampled_from(POLARITIES)), min_size=1, max_size=25
)


def tweet(number: int, entity: str | None, polarity: Polarity, text: str = "") -> LabelledTweet:
    return LabelledTweet(str(number), polarity, text or f"text {number}", entity)


@given(ROWS)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
def test_entity_means_equal_scikit_learn(rows: Sequence[tuple[str, Polarity, Polarity]]) -> None:
    tweets = [tweet(number, entity, gold) for number, (entity, gold, _) in enumerate(rows)]
    means = ReplabScores(tweets, columns([predicted for _, _, predicted in rows])).entity_means
    by_entity = [[row for row in rows if row[0] == entity] for entity in sorted({row[0] for row in rows})]
    pairs = [([gold for _, gold, _ in own], [predicted for _, _, predicted in own]) for own in by_entity]
    assert means["accuracy"] == pytest.approx(np.mean([metrics.accuracy_score(*pair) for pair in pairs]))
    for average, name in (("macro", "macro_f1"), ("weighted", "weighted_f1")):
        expected = np.mean([metrics.f1_score(*pair, average=average, zero_division=0) for pair in pairs])
        assert means[name] == pytest.approx(expected)


def test_relations_between_entities_do_not_count_in_entity_means() -> None:
    tweets = [tweet(0, "a", "negative"), tweet(1, "a", "positive"), tweet(2, "b", "neutral"), tweet(3, "b", "positive")]
    scores = ReplabScores(tweets, columns(["neutral", "positive", "neutral", "positive"]))
    assert scores.entity_means["reliability_sensitivity_f"] == 1
    assert scores.overall["sensitivity"] < 1


def test_tweets_without_entity_are_recognised() -> None:
    assert have_entities([tweet(0, "a", "neutral")])
    assert not have_entities([tweet(0, "a", "neutral"), tweet(1, None, "neutral")])


def test_majority_of_an_unknown_entity_is_that_of_all_training_tweets() -> None:
    train = [tweet(0, "a", "negative"), tweet(1, "b", "positive"), tweet(2, "b", "positive")]
    labels = baseline_labels([tweet(9, "a", "neutral"), tweet(10, "new", "neutral")], train)
    assert [POLARITIES[column] for column in labels["majority of each entity"]] == ["negative", "positive"]


def test_tf_idf_learns_words() -> None:
    train = [
        tweet(0, "a", "negative", "bad car"),
        tweet(1, "a", "positive", "good car"),
        tweet(2, "a", "neutral", "a car"),
    ]
    labels = baseline_labels([tweet(9, "a", "neutral", "bad"), tweet(10, "a", "neutral", "good")], train)
    assert [POLARITIES[column] for column in labels["TF-IDF, logistic regression"]] == ["negative", "positive"]


def test_evaluated_tweets_are_not_in_the_training_data_of_baselines() -> None:
    evaluated = [tweet(0, "a", "negative")]
    train = [
        *evaluated,
        tweet(1, "b", "positive"),
        tweet(2, "b", "neutral", "other"),
        tweet(3, "b", "positive", "more"),
    ]
    labels = baseline_labels(evaluated, train)
    assert [POLARITIES[column] for column in labels["majority of each entity"]] == ["positive"]
