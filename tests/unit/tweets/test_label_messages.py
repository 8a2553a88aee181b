"""Encoding of labels and rejections."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.settings import LimitSettings
from stream.tweets.decoding import decode_tweet
from stream.tweets.labels import Label, LabelEncoder, ModelIdentity
from stream.tweets.rejections import Reason, RejectedTweetError
from stream.tweets.tweet import Tweet

MODEL = ModelIdentity("tiny", "float32", "0" * 64)
ENCODER = LabelEncoder("pi-1", MODEL)
TEXT_ENCODER = LabelEncoder("pi-1", MODEL, include_text=True)

RECEIVED = datetime(2026, 2, 3, 4, 5, 6, 789_000, UTC)
CLASSIFIED = datetime(2026, 2, 3, 4, 5, 7, 250_000, UTC)
CONTRACT = {"id", "polarity", "confidence", "probabilities", "model", "node", "received_at", "classified_at"}

HIDDEN = "\u0298"
"""Stands for a tweet's text: nothing else has this character, raw or escaped."""


def label_of(tweet: Tweet) -> Label:
    return Label(tweet, "positive", {"negative": 0.125, "neutral": 0.25, "positive": 0.625})


def written(tweet: Tweet, encoder: LabelEncoder = ENCODER) -> dict[str, Any]:
    message = encoder.label(label_of(tweet), RECEIVED.timestamp(), CLASSIFIED.timestamp())
    decoded = orjson.loads(message)
    assert isinstance(decoded, dict)
    return decoded


def test_a_label_has_exactly_the_keys_of_the_contract() -> None:
    assert written(Tweet("7", "good")).keys() == CONTRACT


def test_a_label_has_the_tweets_id_and_the_result() -> None:
    label = written(Tweet("7", "good"))
    assert label["id"] == "7"
    assert label["polarity"] == "positive"
    assert label["confidence"] == 0.625
    assert label["probabilities"] == {"negative": 0.125, "neutral": 0.25, "positive": 0.625}


def test_a_label_names_its_model_and_its_node() -> None:
    label = written(Tweet("7", "good"))
    assert label["model"] == {"name": "tiny", "precision": "float32", "sha256": "0" * 64}
    assert label["node"] == "pi-1"


def test_a_labels_times_are_utc_to_the_microsecond() -> None:
    label = written(Tweet("7", "good"))
    assert label["received_at"] == "2026-02-03T04:05:06.789000Z"
    assert datetime.fromisoformat(label["classified_at"]) == CLASSIFIED


def test_entity_and_language_are_in_the_label_if_they_are_given() -> None:
    label = written(Tweet("7", "good", entity="Acme", lang="en"))
    assert label.keys() == CONTRACT | {"entity", "entity_used", "lang", "lang_source"}
    assert (label["entity"], label["lang"], label["lang_source"]) == ("Acme", "en", "publisher")


def test_a_label_says_where_its_language_is_from_and_whether_the_model_labels_it() -> None:
    label = written(Tweet("7", "bien", lang="fr", lang_source="text", language_supported=False))
    assert label.keys() == CONTRACT | {"lang", "lang_source", "language_supported"}
    assert (label["lang"], label["lang_source"], label["language_supported"]) == ("fr", "text", False)


def test_the_text_is_in_the_label_only_if_it_is_requested() -> None:
    assert "text" not in written(Tweet("7", "good"))
    assert written(Tweet("7", "good"), TEXT_ENCODER)["text"] == "good"


@given(st.text(min_size=1), st.text() | st.none())
def test_a_label_can_be_written_for_whatever_tweet_was_decoded(text: str, entity: str | None) -> None:
    tweet = Tweet(text, text, entity=entity)
    label = written(tweet, TEXT_ENCODER)
    assert (label["id"], label["text"], label.get("entity")) == (text, text, entity)


@given(st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_probabilities_keep_six_digits(values: list[float]) -> None:
    label = Label(Tweet("7", "a"), "neutral", dict(zip(("negative", "neutral", "positive"), values, strict=True)))
    shown = label.as_json()
    assert list(shown["probabilities"].values()) == [round(value, 6) for value in values]
    assert shown["confidence"] == round(values[1], 6)


def rejection(payload: bytes, rejected: RejectedTweetError) -> dict[str, Any]:
    decoded = orjson.loads(ENCODER.rejection(rejected, payload, RECEIVED.timestamp()))
    assert isinstance(decoded, dict)
    return decoded


def test_a_rejection_has_the_reason_and_the_hash_of_the_message() -> None:
    message = rejection(b"hello", RejectedTweetError(Reason.NOT_JSON, "not JSON"))
    assert message == {
        "reason": "not_json",
        "detail": "not JSON",
        "payload_sha256": hashlib.sha256(b"hello").hexdigest(),
        "payload_bytes": 5,
        "node": "pi-1",
        "received_at": "2026-02-03T04:05:06.789000Z",
    }


def test_a_rejection_has_the_tweets_id_if_it_is_known() -> None:
    assert rejection(b"{}", RejectedTweetError(Reason.NO_TEXT, "none", "7"))["id"] == "7"


HIDDEN_TEXT = st.integers(1, 300).map(HIDDEN.__mul__)
HIDDEN_JSON = st.recursive(
    HIDDEN_TEXT,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["text", "full_text", "data", "retweeted_status", HIDDEN]), inner, max_size=3)
    ),
    max_leaves=6,
)
HIDDEN_TWEETS = st.fixed_dictionaries({"text": HIDDEN_JSON}, optional={"id": st.just("7"), "lang": HIDDEN_JSON})


def tells_the_text(payload: bytes) -> bool:
    """Whether the payload's rejection, if it is rejected, has anything of the text."""
    try:
        decode_tweet(payload, LimitSettings(payload_bytes=400, text_characters=30))
    except RejectedTweetError as rejected:
        said = ENCODER.rejection(rejected, payload, 0.0).decode() + str(rejected)
        return HIDDEN in said or "u0298" in said
    return False


@given(HIDDEN_TWEETS | HIDDEN_JSON, st.integers(0, 1000), st.binary(max_size=2))
def test_a_rejection_never_tells_the_text(tweet: object, place: int, damage: bytes) -> None:
    payload = orjson.dumps(tweet)
    assert not tells_the_text(payload)
    assert not tells_the_text(payload[:place] + damage + payload[place + 1 :])
    assert not tells_the_text(payload[:place])


@pytest.mark.parametrize("escape", [rb"\u0298\ud83d", rb"\u0298\x", rb"\u029"], ids=["surrogate", "escape", "short"])
def test_a_rejection_of_a_bad_escape_never_tells_the_text(escape: bytes) -> None:
    payload = b'{"id":"7","text":"' + HIDDEN.encode() + escape + b'"}'
    with pytest.raises(RejectedTweetError):
        decode_tweet(payload, LimitSettings())
    assert not tells_the_text(payload)
