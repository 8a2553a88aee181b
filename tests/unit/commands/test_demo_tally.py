import hashlib
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.commands.demo.tally import Tally
from stream.tweets.rejections import Reason


def tweet(tweet_id: str, text: str = "nice") -> bytes:
    return orjson.dumps({"id": tweet_id, "text": text})


def label(tweet_id: str, polarity: str = "positive", entity: str | None = None) -> bytes:
    about = {} if entity is None else {"entity": entity}
    return orjson.dumps({"id": tweet_id, "polarity": polarity} | about)


def rejection(payload: bytes, reason: str = "no_text") -> bytes:
    return orjson.dumps({"reason": reason, "payload_sha256": hashlib.sha256(payload).hexdigest()})


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that shows its last entry."""
    times = [100.0]
    monkeypatch.setattr("time.perf_counter", lambda: times[-1])
    return times


def account(tally: Tally) -> dict[str, Any]:
    summary = tally.summary()
    return {key: summary[key] for key in ("published", "labelled", "rejected", "lost")} | {
        "duplicates": tally.duplicates
    }


def test_a_label_is_matched_by_its_tweets_id(clock: list[float]) -> None:
    tally = Tally()
    tally.sent(tweet("7"))
    clock.append(100.5)
    assert tally.labelled(label("7")) == ({"id": "7", "polarity": "positive"}, 0.5)
    assert account(tally) == {"published": 1, "labelled": 1, "rejected": 0, "lost": 0, "duplicates": 0}


def test_a_rejection_is_matched_by_its_messages_hash(clock: list[float]) -> None:
    tally = Tally()
    tally.sent(b"hello")
    clock.append(102.0)
    assert tally.rejected(rejection(b"hello", "not_json"))[1] == 2.0
    assert tally.reasons == {Reason.NOT_JSON: 1}
    assert tally.outstanding == 0


def test_a_rejection_of_a_message_with_an_id_is_matched_too() -> None:
    tally = Tally()
    tally.sent(tweet("7", "\x01"))
    tally.rejected(rejection(tweet("7", "\x01"), "nothing_left"))
    assert account(tally) == {"published": 1, "labelled": 0, "rejected": 1, "lost": 0, "duplicates": 0}


def test_a_label_for_a_tweet_past_the_usual_limits_is_matched() -> None:
    tally = Tally()
    tally.sent(tweet("7", "a" * 20_000))
    tally.labelled(label("7"))
    assert tally.outstanding == 0


def test_a_message_without_a_result_is_lost() -> None:
    tally = Tally()
    tally.sent(tweet("7"))
    tally.sent(tweet("8"))
    tally.labelled(label("8"))
    assert account(tally) == {"published": 2, "labelled": 1, "rejected": 0, "lost": 1, "duplicates": 0}


def test_a_second_result_is_counted_as_a_duplicate_only() -> None:
    tally = Tally()
    tally.sent(tweet("7"))
    tally.labelled(label("7"))
    assert tally.labelled(label("7"))[1] is None
    assert account(tally) == {"published": 1, "labelled": 1, "rejected": 0, "lost": 0, "duplicates": 1}


@pytest.mark.parametrize("result", ["label", "rejection"])
def test_a_result_of_a_message_that_was_never_sent_is_a_duplicate(result: str) -> None:
    tally = Tally()
    seconds = tally.labelled(label("7"))[1] if result == "label" else tally.rejected(rejection(b"7"))[1]
    assert seconds is None
    assert (tally.duplicates, tally.settled) == (1, 0)


def test_a_message_sent_twice_wants_two_results() -> None:
    tally = Tally()
    tally.sent(tweet("7"))
    tally.sent(tweet("7"))
    tally.labelled(label("7"))
    assert tally.outstanding == 1
    tally.labelled(label("7"))
    assert account(tally) == {"published": 2, "labelled": 2, "rejected": 0, "lost": 0, "duplicates": 0}


def test_two_texts_of_one_id_want_two_results() -> None:
    tally = Tally()
    tally.sent(tweet("7", "one"))
    tally.sent(tweet("7", "another"))
    tally.labelled(label("7"))
    tally.labelled(label("7"))
    assert account(tally) == {"published": 2, "labelled": 2, "rejected": 0, "lost": 0, "duplicates": 0}


@pytest.mark.parametrize("good_first", [True, False])
def test_a_label_and_a_rejection_with_the_same_id_are_distinguished(*, good_first: bool) -> None:
    good, bad = tweet("7"), orjson.dumps({"id": "7"})
    tally = Tally()
    for payload in (good, bad) if good_first else (bad, good):
        tally.sent(payload)
    tally.labelled(label("7"))
    tally.rejected(rejection(bad))
    assert account(tally) == {"published": 2, "labelled": 1, "rejected": 1, "lost": 0, "duplicates": 0}


def test_polarities_are_counted() -> None:
    tally = Tally()
    for number, polarity in enumerate(["positive", "negative", "positive"]):
        tally.sent(tweet(str(number)))
        tally.labelled(label(str(number), polarity))
    assert tally.polarities == {"positive": 2, "negative": 1}


def test_labels_for_two_entities_of_a_tweet_end_it_once(clock: list[float]) -> None:
    tally = Tally()
    tally.sent(tweet("7"))
    clock.append(100.5)
    assert tally.labelled(label("7", "positive", "Acme"))[1] == 0.5
    clock.append(100.75)
    assert tally.labelled(label("7", "negative", "Globex"))[1] == 0.75
    assert account(tally) == {"published": 1, "labelled": 1, "rejected": 0, "lost": 0, "duplicates": 0}
    assert tally.entities == {"Acme": {"positive": 1}, "Globex": {"negative": 1}}
    assert tally.polarities == {"positive": 1, "negative": 1}
    assert tally.latencies_seconds == [0.5]
    assert tally.labelled(label("7", "negative", "Globex"))[1] is None
    assert tally.duplicates == 1


def test_a_tweet_with_two_entities_that_is_sent_twice_wants_four_labels() -> None:
    tally = Tally()
    for _ in range(2):
        tally.sent(tweet("7"))
    for _ in range(2):
        for entity in ("Acme", "Globex"):
            tally.labelled(label("7", "neutral", entity))
    assert account(tally) == {"published": 2, "labelled": 2, "rejected": 0, "lost": 0, "duplicates": 0}
    assert tally.entities == {"Acme": {"neutral": 2}, "Globex": {"neutral": 2}}


def test_the_summary_has_labels_by_polarity_and_by_entity() -> None:
    tally = Tally()
    tally.sent(tweet("7"))
    tally.labelled(label("7", "positive", "Acme"))
    summary = tally.summary()
    assert (summary["labels"], summary["entities"]) == ({"positive": 1}, {"Acme": {"positive": 1}})


def test_percentiles_are_of_the_time_from_sending_to_result(clock: list[float]) -> None:
    tally = Tally()
    for milliseconds in range(1, 101):
        clock.append(100.0)
        tally.sent(tweet(str(milliseconds)))
        clock.append(100.0 + milliseconds / 1000)
        tally.labelled(label(str(milliseconds)))
    assert tally.latency_milliseconds() == pytest.approx({"p50": 50.5, "p90": 90.1, "p99": 99.01})


@given(st.lists(st.floats(0, 100), min_size=1))
def test_percentiles_never_descend_and_stay_within_what_was_measured(latencies: list[float]) -> None:
    tally = Tally()
    tally.latencies_seconds = latencies
    values = [value for value in tally.latency_milliseconds().values() if value is not None]
    assert values == sorted(values)
    assert 1000 * min(latencies) - 0.01 <= values[0]
    assert values[-1] <= 1000 * np.max(latencies) + 0.01


def test_before_the_first_result_there_is_no_time_and_no_rate() -> None:
    tally = Tally()
    tally.sent(tweet("7"))
    assert tally.latency_milliseconds() == {"p50": None, "p90": None, "p99": None}
    assert (tally.seconds, tally.tweets_per_second) == (0.0, 0.0)


def test_the_rate_is_of_results_from_the_first_sent_to_the_last_result(clock: list[float]) -> None:
    tally = Tally()
    tally.sent(tweet("7"))
    clock.append(101.0)
    tally.sent(tweet("8"))
    tally.labelled(label("7"))
    clock.append(104.0)
    tally.labelled(label("8"))
    assert (tally.seconds, tally.tweets_per_second) == (4.0, 0.5)
