"""Malformed messages are rejected with a bounded rejection that does not tell the text; nothing else is raised."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.settings import LimitSettings
from stream.tweets.decoding import decode_tweet
from stream.tweets.labels import LabelEncoder, ModelIdentity
from stream.tweets.rejections import Reason, RejectedTweetError
from tests.unit.tweets.bad_input import HIDDEN, SHAPES, WRONG, wrong_messages

LIMITS = LimitSettings()
ENCODER = LabelEncoder("pi-1", ModelIdentity("tiny", "float32", "0" * 64))
LONGEST_REJECTION = 1000
"""Bytes; an id may have 128 characters of up to 4 bytes."""


def result_of(payload: bytes, content_type: str | None = None, properties: Any = ()) -> Reason | None:
    """Decode a message, check what comes of it, and return the reason of its rejection."""
    try:
        tweet = decode_tweet(payload, LIMITS, content_type, properties)
    except RejectedTweetError as rejected:
        rejection = ENCODER.rejection(rejected, payload, 0.0)
        assert len(rejection) < LONGEST_REJECTION
        shown = str(orjson.loads(rejection) | {"id": ""})
        assert HIDDEN not in shown
        assert "\\u0298" not in rejection.decode()
        return rejected.reason
    assert 0 < len(tweet.id) <= 128
    assert tweet.text.strip()
    assert len(tweet.text) <= LIMITS.text_characters
    assert all(extra is None or len(extra) <= 256 for extra in (tweet.entity, tweet.lang))
    return None


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_shape_with_a_wrong_value_in_any_field_is_a_tweet_or_a_rejection(shape: dict[str, Any]) -> None:
    messages = dict(wrong_messages(shape))
    assert len(messages) > len(WRONG)
    found = {name: result_of(payload) for name, payload in messages.items()}
    never = {"not a number", "infinite", "lone surrogate", "no UTF-8", "deeper than parsers go"}
    accepted = {name for name, reason in found.items() if reason is None}
    assert not {name for name in accepted if name.rpartition(": ")[2] in never}


@pytest.mark.parametrize("name", WRONG)
def test_a_message_that_is_only_a_wrong_value_is_rejected(name: str) -> None:
    assert result_of(WRONG[name]) is not None


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_shape_that_is_cut_off_anywhere_is_rejected(shape: dict[str, Any]) -> None:
    payload = orjson.dumps(shape)
    assert all(result_of(payload[:end]) is not None for end in range(len(payload)))


def test_the_last_of_two_equal_keys_counts() -> None:
    assert decode_tweet(b'{"id":[],"text":1,"id":"7","text":"a"}', LIMITS).text == "a"


def test_a_megabyte_in_any_field_is_rejected() -> None:
    for shape in SHAPES.values():
        for key in shape:
            payload = orjson.dumps(shape | {key: "a" * 1_000_000})
            assert result_of(payload) is Reason.TOO_LARGE


PROPERTY_NAMES = st.sampled_from(["specversion", "type", "source", "id", "entity", "lang", "traceparent"]) | st.text()
PROPERTIES = st.lists(st.tuples(PROPERTY_NAMES, st.just("1.0") | st.text()))
CONTENT_TYPES = (
    st.none() | st.text() | st.builds("application/{}".format, st.sampled_from(["json", "x+json"]) | st.text())
)
EVENT_TYPES = st.builds("application/cloudevents{}".format, st.sampled_from(["", "+json", "-batch+json"]) | st.text())


@given(st.sampled_from(list(SHAPES.values())), CONTENT_TYPES | EVENT_TYPES, PROPERTIES)
def test_any_content_type_and_properties_lead_to_a_tweet_or_a_rejection(
    shape: dict[str, Any], content_type: str | None, properties: list[tuple[str, str]]
) -> None:
    result_of(orjson.dumps(shape), content_type, properties)


KEYS = st.sampled_from(sorted({key for shape in SHAPES.values() for key in shape} | {"record", "status", "content"}))
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=6),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, JSON_VALUES | st.sampled_from(list(SHAPES.values())), max_size=8))
def test_any_object_with_the_keys_of_several_shapes_is_a_tweet_or_a_rejection(message: dict[str, Any]) -> None:
    result_of(orjson.dumps(message))
