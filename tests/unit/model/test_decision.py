from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.model.decision import DecisionRule
from stream.settings import DecisionSettings
from stream.tweets.labels import Label
from stream.tweets.polarity import Polarity
from stream.tweets.rejections import Reason, RejectedTweetError
from stream.tweets.tweet import Tweet

EQUAL = (1 / 3, 1 / 3, 1 / 3)
TWEET = Tweet("7", "made up")
SHARES = st.tuples(*[st.floats(0.01, 1)] * 3).map(lambda shares: tuple(share / sum(shares) for share in shares))


def named(negative: float, neutral: float, positive: float) -> dict[Polarity, float]:
    return {"negative": negative, "neutral": neutral, "positive": positive}


def rule(model_prior: tuple[float, ...] = EQUAL, **settings: Any) -> DecisionRule:
    return DecisionRule(DecisionSettings(**settings), model_prior)


def label(**probabilities: float) -> Label:
    found: dict[Polarity, float] = named(**probabilities)
    return Label(TWEET, max(found, key=lambda name: found[name]), found)


@given(SHARES)
def test_without_settings_the_label_stays_as_it_is(probabilities: tuple[float, float, float]) -> None:
    before = label(**named(*probabilities))
    assert rule().apply(before) == before
    assert "decision" not in rule().apply(before).as_json()


def test_a_prior_weights_the_probabilities() -> None:
    after = rule(prior=[0.1, 0.3, 0.6]).apply(label(negative=0.5, neutral=0.3, positive=0.2))
    assert after.probabilities == pytest.approx(named(0.05 / 0.26, 0.09 / 0.26, 0.12 / 0.26))
    assert (after.polarity, after.decision) == ("positive", "prior")
    assert after.as_json()["decision"] == "prior"
    assert after.confidence == pytest.approx(0.12 / 0.26)


def test_a_prior_that_leaves_the_most_probable_polarity_changes_no_decision() -> None:
    after = rule(prior=[0.3, 0.4, 0.3]).apply(label(negative=0.8, neutral=0.1, positive=0.1))
    assert (after.polarity, after.decision) == ("negative", None)
    assert after.probabilities["negative"] == pytest.approx(0.24 / 0.31)


@given(SHARES, SHARES)
def test_probabilities_sum_to_1_with_any_prior(
    probabilities: tuple[float, float, float], prior: tuple[float, float, float]
) -> None:
    assert sum(rule(prior=prior).decide(named(*probabilities)).probabilities.values()) == pytest.approx(1)


@given(SHARES, SHARES)
def test_the_prior_that_the_model_was_calibrated_for_changes_nothing(
    probabilities: tuple[float, float, float], prior: tuple[float, float, float]
) -> None:
    decision = rule(prior, prior=prior).decide(named(*probabilities))
    assert decision.probabilities == pytest.approx(named(*probabilities))


def test_a_prior_is_relative_to_that_of_the_model() -> None:
    decision = rule((0.5, 0.25, 0.25), prior=[0.25, 0.25, 0.5]).decide(named(0.4, 0.3, 0.3))
    assert decision.probabilities == pytest.approx(named(0.2 / 1.1, 0.3 / 1.1, 0.6 / 1.1))


def test_a_label_below_the_threshold_becomes_neutral() -> None:
    after = rule(threshold=0.6).apply(label(negative=0.25, neutral=0.2, positive=0.55))
    assert (after.polarity, after.decision, after.confidence) == ("neutral", "below_threshold", 0.2)
    assert after.probabilities == named(0.25, 0.2, 0.55)


def test_a_neutral_label_below_the_threshold_is_not_changed() -> None:
    before = label(negative=0.25, neutral=0.5, positive=0.25)
    assert rule(threshold=0.6).apply(before) == before


def test_a_label_below_the_threshold_is_rejected_if_the_settings_say_so() -> None:
    strict = rule(threshold=0.6, below_threshold="reject")
    with pytest.raises(RejectedTweetError) as caught:
        strict.apply(label(negative=0.25, neutral=0.5, positive=0.25))
    assert (caught.value.reason, caught.value.tweet_id) == (Reason.UNSURE, "7")
    assert caught.value.detail == "the most probable polarity, neutral, has 0.5, and decision.threshold is 0.6"


@pytest.mark.parametrize("below_threshold", ["neutral", "reject"])
def test_a_confidence_equal_to_the_threshold_as_published_is_not_below_it(below_threshold: str) -> None:
    after = rule(threshold=0.6, below_threshold=below_threshold).apply(
        label(negative=0.2, neutral=0.2000001, positive=0.5999999)
    )
    assert after.as_json()["confidence"] == 0.6
    assert after.polarity == "positive"


def test_the_threshold_0_changes_no_label() -> None:
    before = label(negative=0.34, neutral=0.33, positive=0.33)
    assert rule(threshold=0).apply(before) == before


def test_below_the_threshold_1_is_every_label_that_is_not_certain() -> None:
    assert rule(threshold=1).apply(label(negative=0, neutral=0, positive=1)).polarity == "positive"
    assert rule(threshold=1).apply(label(negative=0, neutral=0.01, positive=0.99)).polarity == "neutral"


def test_the_threshold_applies_to_probabilities_weighted_by_the_prior() -> None:
    both = rule(prior=[0.1, 0.1, 0.8], threshold=0.7)
    after = both.apply(label(negative=0.4, neutral=0.2, positive=0.4))
    assert (after.polarity, after.decision) == ("positive", "prior")
    after = both.apply(label(negative=0.6, neutral=0.2, positive=0.2))
    assert (after.polarity, after.decision) == ("neutral", "below_threshold")


def test_of_equally_probable_polarities_the_first_is_chosen() -> None:
    assert rule().decide(named(0.4, 0.2, 0.4)).polarity == "negative"
    assert rule(prior=[0.25, 0.5, 0.25]).decide(named(0.4, 0.2, 0.4)).polarity == "negative"
