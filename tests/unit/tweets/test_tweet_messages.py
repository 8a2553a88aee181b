"""Decoding of messages: the X API's shapes, and the reasons for rejections."""

from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stream.settings import LimitSettings
from stream.tweets.decoding import decode_tweet
from stream.tweets.rejections import Reason, RejectedTweetError
from stream.tweets.tweet import Tweet

LIMITS = LimitSettings(payload_bytes=2000, text_characters=280)

V2 = {"id": "7", "text": "short\u2026", "lang": "en"}
V1 = {"id": 7, "id_str": "7", "text": "short\u2026"}
LONG = "the whole of it"

ACCEPTED: dict[str, tuple[dict[str, Any], str]] = {
    "v2": (V2, "short\u2026"),
    "v2 with a note": (V2 | {"note_tweet": {"text": LONG}}, LONG),
    "v2 with an empty note": (V2 | {"note_tweet": {}}, "short\u2026"),
    "v2 wrapped": ({"data": V2, "includes": {"users": []}}, "short\u2026"),
    "v2 wrapped, with a note": ({"data": V2 | {"note_tweet": {"text": LONG}}}, LONG),
    "v1.1": (V1, "short\u2026"),
    "v1.1 extended": ({"id_str": "7", "full_text": LONG}, LONG),
    "v1.1 in compatibility mode": (V1 | {"truncated": True, "extended_tweet": {"full_text": LONG}}, LONG),
    "v1.1 with both texts": (V1 | {"full_text": LONG}, LONG),
    "v1.1 with no full text": (V1 | {"full_text": None}, "short\u2026"),
    "v1.1 retweet": (V1 | {"text": "RT @a: sh\u2026", "retweeted_status": {"id_str": "1", "full_text": LONG}}, LONG),
    "v1.1 retweet of an extended tweet": (
        V1 | {"retweeted_status": V1 | {"extended_tweet": {"full_text": LONG}}},
        LONG,
    ),
    "v1.1 retweet without a text": (V1 | {"retweeted_status": {"id_str": "1"}}, "short\u2026"),
}


def decode(payload: object, limits: LimitSettings = LIMITS) -> Tweet:
    return decode_tweet(payload if isinstance(payload, bytes) else orjson.dumps(payload), limits)


@pytest.mark.parametrize(("tweet", "text"), ACCEPTED.values(), ids=ACCEPTED)
def test_every_shape_of_the_api_gives_its_longest_text(tweet: dict[str, Any], text: str) -> None:
    assert decode(tweet).text == text


@pytest.mark.parametrize("tweet", [tweet for tweet, _ in ACCEPTED.values()], ids=ACCEPTED)
def test_every_shape_of_the_api_gives_the_tweets_own_id(tweet: dict[str, Any]) -> None:
    assert decode(tweet).id == "7"


@pytest.mark.parametrize("number", [0, 7, 1_849_222_000_111_222_333, -1])
def test_a_numeric_id_is_read_to_the_last_digit(number: int) -> None:
    assert decode({"id": number, "text": "a"}).id == str(number)


def test_an_id_may_have_128_characters() -> None:
    assert decode(V2 | {"id": "7" * 128}).id == "7" * 128


def test_the_id_as_a_string_is_preferred_to_the_number() -> None:
    assert decode({"id": 1849222000111222300, "id_str": "1849222000111222333", "text": "a"}).id == "1849222000111222333"


def test_entity_and_language_are_copied() -> None:
    tweet = decode(V2 | {"entity": "Acme", "lang": "fr"})
    assert (tweet.entity, tweet.lang) == ("Acme", "fr")


def test_entity_and_language_may_stand_outside_the_wrapper() -> None:
    tweet = decode({"data": {"id": "7", "text": "a"}, "entity": "Acme", "lang": "fr"})
    assert (tweet.entity, tweet.lang) == ("Acme", "fr")


@pytest.mark.parametrize("value", [None, 3, True, ["Acme"], ["Acme"] * 200, {"name": "Acme"}, "", " \n"])
def test_an_entity_that_is_no_name_is_left_out(value: object) -> None:
    assert decode(V2 | {"entity": value}).entity is None


def test_a_long_entity_is_cut() -> None:
    message = V2 | {"entity": "e" * 10_000}
    assert decode(message, LimitSettings()).entity == "e" * 256


def test_a_character_of_four_bytes_counts_as_one() -> None:
    assert decode(V2 | {"text": "\U0001f600" * 280}).text == "\U0001f600" * 280


def test_a_text_with_control_characters_is_accepted() -> None:
    assert decode(b'{"id":"7","text":"a\\u0000b"}').text == "a\x00b"


def test_an_escaped_pair_of_surrogates_is_one_character() -> None:
    assert decode(b'{"id":"7","text":"\\ud83d\\ude00"}').text == "\U0001f600"


REJECTED: dict[str, tuple[bytes, Reason, str]] = {
    "nothing": (b"", Reason.EMPTY, "empty"),
    "a megabyte": (
        orjson.dumps(V2 | {"text": "a" * 1_000_000}),
        Reason.TOO_LARGE,
        r"1000\d{3} bytes, the limit is 2000",
    ),
    "bytes that are no UTF-8": (b'{"id":"7","text":"\xff"}', Reason.NOT_UTF8, "byte 18"),
    "surrogates in UTF-8": (b'{"id":"7","text":"\xed\xa0\xbd\xed\xb8\x80"}', Reason.NOT_UTF8, "byte 18"),
    "UTF-16": ('{"id":"7"}'.encode("utf-16"), Reason.NOT_UTF8, "byte 0"),
    "a word": (b"hello", Reason.NOT_JSON, "character 0"),
    "a bare text": ("caf\xe9 au lait".encode(), Reason.NOT_JSON, "character 0"),
    "half a tweet": (b'{"id":"7","text":"a', Reason.NOT_JSON, "character"),
    "a missing colon": (b'{"id" "7"}', Reason.NOT_JSON, "expected ':' after key"),
    "a byte order mark": (b'\xef\xbb\xbf{"id":"7","text":"a"}', Reason.NOT_JSON, "byte order mark"),
    "a lone surrogate": (b'{"id":"7","text":"\\ud83d"}', Reason.NOT_JSON, "surrogate"),
    "a raw control character": (b'{"id":"7","text":"a\x00b"}', Reason.NOT_JSON, "control character"),
    "not a number": (b'{"id":"7","text":NaN}', Reason.NOT_JSON, "character 17"),
    "too deep": (b'{"a":' * 300 + b"[" * 300, Reason.NOT_JSON, "character"),
    "deeper than any stack": (b"[" * 2000, Reason.NOT_JSON, "depth"),
    "a list": (b"[{}]", Reason.NOT_AN_OBJECT, "a list"),
    "a string": (b'"hello"', Reason.NOT_AN_OBJECT, "a string"),
    "a number": (b"3.5", Reason.NOT_AN_OBJECT, "a number"),
    "null": (b"null", Reason.NOT_AN_OBJECT, "null"),
    "an empty object": (b"{}", Reason.NO_ID, "no id"),
    "no id": (b'{"text":"a"}', Reason.NO_ID, "no id"),
    "a null id": (b'{"id":null,"text":"a"}', Reason.NO_ID, "no id"),
    "an empty id": (b'{"id":" ","text":"a"}', Reason.NO_ID, "empty"),
    "a true id": (b'{"id":true,"text":"a"}', Reason.BAD_ID, "a truth value"),
    "a fractional id": (b'{"id":7.5,"text":"a"}', Reason.BAD_ID, "a number"),
    "an id past 64 bits": (b'{"id":184922200011122233300,"text":"a"}', Reason.BAD_ID, "a number"),
    "a list of ids": (b'{"id":["7"],"text":"a"}', Reason.BAD_ID, "a list"),
    "a long id": (orjson.dumps(V2 | {"id": "7" * 129}), Reason.BAD_ID, "129 characters, the limit is 128"),
    "an error of the API": (b'{"errors":[{"title":"Not Found"}]}', Reason.NO_ID, "no id"),
    "no text": (b'{"id":"7"}', Reason.NO_TEXT, "no text"),
    "a null text": (b'{"id":"7","text":null}', Reason.NO_TEXT, "no text"),
    "a blank text": (b'{"id":"7","text":" \\n\\u3000"}', Reason.NO_TEXT, "no text"),
    "a text that is a list": (b'{"id":"7","text":["a"]}', Reason.BAD_TEXT, "a list"),
    "a text that is a number": (b'{"id":"7","text":0}', Reason.BAD_TEXT, "a number"),
    "a text that is an object": (b'{"id":"7","text":{"a":1}}', Reason.BAD_TEXT, "an object"),
    "a deletion": (b'{"delete":{"status":{"id_str":"7"}}}', Reason.DELETION, "a tweet was deleted"),
    "an edit": (b'{"tweet_edit":{"tweet":{"id":"7"}}}', Reason.EDIT, "a tweet was edited"),
    "a batch of events": (b'[{"specversion":"1.0"}]', Reason.UNSUPPORTED, "publish each event as a message of its own"),
    "an event about an account": (b'{"did":"did:plc:a","kind":"account"}', Reason.NOT_A_POST, "kind 'account'"),
    "a long text": (orjson.dumps(V2 | {"text": "a" * 281}), Reason.TOO_LONG, "281 characters, the limit is 280"),
}


@pytest.mark.parametrize(("payload", "reason", "detail"), REJECTED.values(), ids=REJECTED)
def test_a_message_that_is_not_a_tweet_is_rejected_with_its_reason(payload: bytes, reason: Reason, detail: str) -> None:
    with pytest.raises(RejectedTweetError, match=detail) as caught:
        decode(payload)
    assert caught.value.reason is reason


def test_each_reason_that_decoding_gives_is_tested() -> None:
    given_elsewhere = {
        *(Reason.NOTHING_LEFT, Reason.BAD_ROW, Reason.LABEL_REFUSED),
        *(Reason.UNSURE, Reason.OTHER_LANGUAGE),
    }
    assert {reason for _, reason, _ in REJECTED.values()} == set(Reason) - given_elsewhere


@pytest.mark.parametrize(
    "payload",
    [b'{"id":"7"}', b'{"id":7,"text":["a"]}', orjson.dumps(V2 | {"text": "a" * 281})],
    ids=[Reason.NO_TEXT, Reason.BAD_TEXT, Reason.TOO_LONG],
)
def test_a_rejection_has_the_tweets_id_if_it_could_be_read(payload: bytes) -> None:
    with pytest.raises(RejectedTweetError) as caught:
        decode(payload)
    assert caught.value.tweet_id == "7"


@pytest.mark.parametrize("limits", [LimitSettings(payload_bytes=30), LimitSettings(text_characters=1)])
def test_a_tweet_at_the_limit_is_taken(limits: LimitSettings) -> None:
    assert decode(b'{"id":"7","text":"a"}         ', limits).text == "a"


def is_a_tweet_within_the_limits_or_rejected(payload: bytes) -> bool:
    """Raise whatever decoding should not."""
    try:
        tweet = decode_tweet(payload, LIMITS)
    except RejectedTweetError as rejected:
        return isinstance(rejected.reason, Reason) and bool(rejected.detail)
    return (
        0 < len(tweet.text) <= LIMITS.text_characters
        and 0 < len(tweet.id) <= 128
        and len(tweet.entity or "") <= 256
        and len(tweet.lang or "") <= 256
    )


KEYS = st.sampled_from(
    [
        *("id", "id_str", "text", "full_text", "data", "note_tweet", "extended_tweet", "retweeted_status"),
        *("entity", "lang", "other", "includes", "tweets", "referenced_tweets", "type", "delete", "status", "tweet"),
        *("did", "kind", "commit", "collection", "operation", "record", "uri", "langs", "post"),
        *("content", "language", "reblog", "event", "payload", "specversion", "source", "data_base64"),
    ]
)
JSON_TEXT = st.text() | st.integers(0, 300).map("a".__mul__)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | JSON_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(max_size=4), inner, max_size=6),
    max_leaves=20,
)
TWEET_LIKE = st.dictionaries(KEYS, ANY_JSON | JSON_TEXT, max_size=8)


@given(st.binary(max_size=3000))
@example(b"\xef\xbb\xbf")
def test_any_bytes_are_a_tweet_or_a_rejection(payload: bytes) -> None:
    assert is_a_tweet_within_the_limits_or_rejected(payload)


@given(ANY_JSON | TWEET_LIKE)
def test_any_json_is_a_tweet_or_a_rejection(value: object) -> None:
    assert is_a_tweet_within_the_limits_or_rejected(orjson.dumps(value))


@given(TWEET_LIKE.map(orjson.dumps), st.data())
def test_a_damaged_tweet_is_a_tweet_or_a_rejection(payload: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(payload) - 1))
    assert is_a_tweet_within_the_limits_or_rejected(payload[:place] + data.draw(st.binary(max_size=2)))
    assert is_a_tweet_within_the_limits_or_rejected(payload[:place] + b"\xe2" + payload[place + 1 :])


@given(st.text(min_size=1, max_size=280).filter(str.strip), st.sampled_from(["text", "full_text"]))
def test_a_text_arrives_as_it_was_sent(text: str, key: str) -> None:
    assert decode({"id": "7", key: text}).text == text


def test_a_tweet_with_some_other_data_beside_its_own_id_is_read_as_it_is() -> None:
    tweet = decode_tweet(b'{"id":"1","text":"mine","data":{"something":"else"}}', LimitSettings())
    assert (tweet.id, tweet.text) == ("1", "mine")
