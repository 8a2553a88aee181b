"""Decoding of shapes other than the plain ones of the X API."""

import base64
from contextlib import suppress
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.settings import LimitSettings
from stream.tweets.decoding import decode_tweet
from stream.tweets.rejections import Reason, RejectedTweetError
from stream.tweets.tweet import Tweet

LIMITS = LimitSettings()
WHOLE = "The new library is open until nine, it is bright and quiet, and I love every corner of it"
CUT = "RT @town: The new library is open until nine, it is bright\u2026"
V2_RETWEET = {"id": "7", "text": CUT, "referenced_tweets": [{"type": "retweeted", "id": "9"}]}
DID = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb"
RECORD = {"$type": "app.bsky.feed.post", "text": "The bread is warm.", "langs": ["en", "de"]}
COMMIT = {
    "did": DID,
    "time_us": 1,
    "kind": "commit",
    "commit": {"operation": "create", "collection": "app.bsky.feed.post", "rkey": "3k", "record": RECORD},
}
COMMIT_FIELDS: dict[str, Any] = {
    "operation": "create",
    "collection": "app.bsky.feed.post",
    "rkey": "3k",
    "record": RECORD,
}
V2_EVENT = "network.bsky.jetstream.subscribeEvents"
URI = f"at://{DID}/app.bsky.feed.post/3k"
STATUS = {"id": "113", "content": "<p>Snow &amp; sun.</p>", "language": "en", "reblog": None}
EVENT = {"specversion": "1.0", "id": "e1", "source": "/feed", "type": "post.created"}


def decode(message: object) -> Tweet:
    return decode_tweet(orjson.dumps(message), LIMITS)


def rejection(message: object) -> tuple[Reason, str | None]:
    with pytest.raises(RejectedTweetError) as caught:
        decode(message)
    return caught.value.reason, caught.value.tweet_id


def included(**tweet: Any) -> dict[str, Any]:
    return {"tweets": [{"id": "8", "text": "another"}, {"id": "9"} | tweet]}


@pytest.mark.parametrize(
    "message",
    [
        {"data": V2_RETWEET, "includes": included(text=WHOLE)},
        {"data": V2_RETWEET, "includes": included(text=WHOLE), "matching_rules": [{"id": "1", "tag": "town"}]},
        {"data": V2_RETWEET, "includes": included(text="The new lib\u2026", note_tweet={"text": WHOLE})},
        V2_RETWEET | {"includes": included(text=WHOLE)},
        V2_RETWEET | {"referenced_tweets": [{"type": "retweeted", "id": "9", "text": WHOLE}]},
        {"specversion": "1.0", "id": "e", "source": "s", "type": "t"}
        | {"data": {"data": V2_RETWEET, "includes": included(text=WHOLE)}},
    ],
    ids=["stream", "matching rules", "long original", "flat", "original in the reference", "in CloudEvents"],
)
def test_a_v2_retweet_has_the_whole_text_of_the_original(message: dict[str, Any]) -> None:
    assert decode(message) == Tweet("7", WHOLE)


def test_v2_and_v1_retweets_have_the_same_text() -> None:
    v1 = {"id_str": "7", "full_text": CUT, "retweeted_status": {"id_str": "9", "full_text": WHOLE}}
    assert decode({"data": V2_RETWEET, "includes": included(text=WHOLE)}) == decode(v1)


@pytest.mark.parametrize(
    "includes", [None, {}, {"tweets": None}, {"tweets": [7]}, {"tweets": [{"id": "8", "text": "another"}]}]
)
def test_a_v2_retweet_without_its_original_has_its_own_text(includes: object) -> None:
    assert decode({"data": V2_RETWEET, "includes": includes}).text == CUT


@pytest.mark.parametrize("kind", ["quoted", "replied_to"])
def test_a_v2_quote_or_reply_has_its_own_text(kind: str) -> None:
    tweet = {"id": "7", "text": "No.", "referenced_tweets": [{"type": kind, "id": "9"}]}
    assert decode({"data": tweet, "includes": included(text=WHOLE)}).text == "No."


def test_a_retweet_of_a_quote_has_the_quoting_authors_text() -> None:
    quote = {"text": WHOLE, "referenced_tweets": [{"type": "quoted", "id": "8"}]}
    assert decode({"data": V2_RETWEET, "includes": included(**quote)}).text == WHOLE


def test_a_tweet_of_the_archive_is_read_inside_its_wrapper() -> None:
    assert decode({"tweet": {"id_str": "7", "full_text": WHOLE, "lang": "en"}}) == Tweet("7", WHOLE, lang="en")


def test_a_jetstream_commit_is_a_post_with_its_uri_as_id() -> None:
    assert decode(COMMIT) == Tweet(URI, "The bread is warm.", lang="en")


def test_a_commit_of_jetstream_2_is_a_post_with_its_uri_as_id() -> None:
    event = {"$type": f"{V2_EVENT}#commit", "did": DID, "seq": 1, "time": "2026-01-01T00:00:00Z"} | COMMIT_FIELDS
    assert decode(event) == Tweet(URI, "The bread is warm.", lang="en")


@pytest.mark.parametrize("key", [None, "", 7])
def test_a_commit_without_a_record_key_has_no_id(key: object) -> None:
    assert rejection(COMMIT | {"commit": COMMIT_FIELDS | {"rkey": key}}) == (Reason.NO_ID, None)


@pytest.mark.parametrize("wrap", [lambda view: view, lambda view: {"post": view, "reply": {}}], ids=["view", "feed"])
def test_a_bluesky_post_of_the_api_is_read(wrap: Any) -> None:
    view = {"uri": URI, "cid": "b", "author": {"did": DID}, "record": RECORD, "indexedAt": "2024-11-27T09:33:20Z"}
    assert decode(wrap(view)) == Tweet(URI, "The bread is warm.", lang="en")


@pytest.mark.parametrize("languages", [None, [], "en", [3]])
def test_a_bluesky_post_without_a_language_has_none(languages: object) -> None:
    record = RECORD | {"langs": languages}
    assert decode(COMMIT | {"commit": COMMIT_FIELDS | {"record": record}}).lang is None


@pytest.mark.parametrize(
    ("message", "tweet_id"),
    [
        ({**COMMIT, "commit": {"operation": "delete", "collection": "app.bsky.feed.post", "rkey": "3k"}}, URI),
        ({"delete": {"status": {"id": 7, "id_str": "7", "user_id": 3}}}, "7"),
        ({"did": DID, "$type": f"{V2_EVENT}#commit"} | COMMIT_FIELDS | {"operation": "delete"}, URI),
        ({"stream": ["public"], "event": "delete", "payload": "113"}, "113"),
        ({"event": "delete", "payload": 113}, "113"),
        ({"delete": {"tweet": {"id": "7"}, "event_at": "2026-01-01T00:00:00Z"}}, "7"),
    ],
    ids=["Jetstream", "v1.1", "Jetstream 2", "Mastodon", "a number", "v2"],
)
def test_a_deletion_has_its_own_reason(message: dict[str, Any], tweet_id: str) -> None:
    assert rejection(message) == (Reason.DELETION, tweet_id)


@pytest.mark.parametrize(
    ("message", "tweet_id"),
    [
        (COMMIT | {"commit": COMMIT_FIELDS | {"operation": "update"}}, URI),
        ({"event": "status.update", "payload": orjson.dumps(STATUS).decode()}, "113"),
        ({"event": "status.update", "payload": STATUS}, "113"),
        ({"tweet_edit": {"tweet": {"id": "7", "edit_tweet_id": "8"}}}, "7"),
    ],
    ids=["Jetstream", "Mastodon", "Mastodon, decoded", "X"],
)
def test_an_edit_has_its_own_reason(message: dict[str, Any], tweet_id: str) -> None:
    assert rejection(message) == (Reason.EDIT, tweet_id)


@pytest.mark.parametrize(
    "message",
    [
        {**COMMIT, "commit": {**COMMIT_FIELDS, "operation": "delete", "rkey": "k" * 200}},
        {**COMMIT, "commit": {**COMMIT_FIELDS, "operation": "delete", "rkey": None}},
        {"event": "delete", "payload": "9" * 129},
        {"event": "delete", "payload": None},
        {"event": "status.update", "payload": {"id": "9" * 129}},
        {"delete": {"status": {"id_str": "9" * 129}}},
    ],
)
def test_the_rejection_of_a_deletion_or_an_edit_has_no_id_that_a_tweet_could_not_have(message: dict[str, Any]) -> None:
    reason, tweet_id = rejection(message)
    assert reason in (Reason.DELETION, Reason.EDIT)
    assert tweet_id is None


@pytest.mark.parametrize(
    "message",
    [
        {**COMMIT, "commit": {"operation": "create", "collection": "app.bsky.feed.like", "rkey": "3k", "record": {}}},
        {**COMMIT, "commit": None},
        {"did": DID, "kind": "identity", "identity": {"handle": "a.example"}},
        {**COMMIT, "kind": "something new"},
        {**COMMIT, "kind": ["commit"]},
        {**COMMIT, "commit": {**COMMIT_FIELDS, "operation": "move"}},
        {"did": DID, "$type": f"{V2_EVENT}#sync"},
        {"did": DID, "$type": "#account"},
        {"event": "notification", "payload": "{}"},
        {"event": "filters_changed", "stream": ["user"]},
        {"limit": {"track": 5}},
    ],
    ids=[
        "like",
        "no commit",
        "identity",
        "unknown kind",
        "kind of a wrong type",
        "unknown operation",
        "Jetstream 2",
        "short type",
        "notification",
        "event without a payload",
        "limit",
    ],
)
def test_an_event_that_is_not_a_post_has_its_own_reason(message: dict[str, Any]) -> None:
    assert rejection(message) == (Reason.NOT_A_POST, None)


def test_a_mastodon_status_is_read_as_text() -> None:
    assert decode(STATUS) == Tweet("113", "Snow & sun.", lang="en")


def test_a_mastodon_status_with_an_empty_source_text_is_read() -> None:
    assert decode(STATUS | {"text": None}) == Tweet("113", "Snow & sun.", lang="en")


def test_a_boost_has_the_boosted_text_and_its_own_id() -> None:
    boost = STATUS | {"content": "", "reblog": {"id": "9", "content": "<p>Hail.</p>"}}
    assert decode(boost) == Tweet("113", "Hail.", lang="en")


def test_a_content_warning_is_the_first_line_of_the_text() -> None:
    assert decode(STATUS | {"spoiler_text": "weather "}).text == "weather\nSnow & sun."
    assert decode(STATUS | {"spoiler_text": "weather", "content": "<p></p>"}).text == "weather"
    boost = STATUS | {"content": "", "reblog": {"id": "9", "content": "<p>Hail.</p>", "spoiler_text": "weather"}}
    assert decode(boost).text == "weather\nHail."


@pytest.mark.parametrize("warning", [None, "", " ", 7, ["weather"]])
def test_a_status_without_a_content_warning_has_its_content_alone(warning: object) -> None:
    assert decode(STATUS | {"spoiler_text": warning}).text == "Snow & sun."


def test_a_status_with_a_picture_alone_has_no_text() -> None:
    assert rejection(STATUS | {"content": "<p></p>"}) == (Reason.NO_TEXT, "113")


def test_a_status_with_html_that_is_too_long_is_rejected() -> None:
    assert decode(STATUS | {"content": "<br>" * 16_000 + "a"}).text == "a"
    assert rejection(STATUS | {"content": "<br>" * 17_000 + "a"}) == (Reason.TOO_LONG, "113")


def test_a_status_in_an_event_of_the_streaming_api_is_read() -> None:
    event = {"stream": ["public"], "event": "update", "payload": orjson.dumps(STATUS).decode()}
    assert decode(event) == Tweet("113", "Snow & sun.", lang="en")


def test_a_status_that_a_bridge_has_decoded_is_read() -> None:
    assert decode({"event": "update", "payload": STATUS}) == Tweet("113", "Snow & sun.", lang="en")


@pytest.mark.parametrize(
    ("payload", "reason"), [("{", Reason.NOT_JSON), ("[]", Reason.NOT_AN_OBJECT), (None, Reason.NOT_AN_OBJECT)]
)
def test_an_event_whose_payload_is_no_status_is_rejected(payload: object, reason: Reason) -> None:
    assert rejection({"event": "update", "payload": payload}) == (reason, None)


@pytest.mark.parametrize(
    ("inner", "tweet"),
    [
        ({"id": "1", "text": "a joy"}, Tweet("1", "a joy")),
        ({"id_str": "1", "full_text": "a joy"}, Tweet("1", "a joy")),
        ({"data": {"id": "1", "text": "a joy"}}, Tweet("1", "a joy")),
        (COMMIT, Tweet(URI, "The bread is warm.", lang="en")),
        (STATUS, Tweet("113", "Snow & sun.", lang="en")),
    ],
    ids=["v2", "v1.1", "wrapped v2", "Jetstream", "Mastodon"],
)
@pytest.mark.parametrize("encode", [True, False])
def test_each_shape_is_read_inside_cloud_events(inner: dict[str, Any], tweet: Tweet, *, encode: bool) -> None:
    data = {"data_base64": base64.b64encode(orjson.dumps(inner)).decode()} if encode else {"data": inner}
    assert decode(EVENT | data) == tweet


def test_entity_and_language_may_be_attributes_of_the_event() -> None:
    event = EVENT | {"entity": "Acme", "lang": "de", "data": {"id": "1", "text": "a"}}
    assert decode(event) == Tweet("1", "a", entity="Acme", lang="de")
    assert decode(event | {"data": {"id": "1", "text": "a", "lang": "fr"}}).lang == "fr"


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (EVENT, Reason.NOT_AN_OBJECT),
        (EVENT | {"data": "text"}, Reason.NOT_AN_OBJECT),
        (EVENT | {"data_base64": "e30"}, Reason.NOT_JSON),
        (EVENT | {"data_base64": "\u00e9"}, Reason.NOT_JSON),
        (EVENT | {"data_base64": base64.b64encode(b"{").decode()}, Reason.NOT_JSON),
        (EVENT | {"data_base64": 7}, Reason.NOT_JSON),
        (EVENT | {"data": EVENT | {"data": {"id": "1", "text": "a"}}}, Reason.NO_TEXT),
        (EVENT | {"data": "text", "datacontenttype": "application/json"}, Reason.NOT_AN_OBJECT),
        (EVENT | {"data": "text", "datacontenttype": "text/plain"}, Reason.UNSUPPORTED),
        (EVENT | {"data": {"id": "1", "text": "a"}, "specversion": "0.3"}, Reason.UNSUPPORTED),
    ],
    ids=[
        "no data",
        "a string",
        "base64 cut short",
        "not base64",
        "not JSON",
        "a number",
        "an event in an event",
        "a JSON string",
        "plain text",
        "an old version",
    ],
)
def test_an_event_without_a_post_is_rejected(event: dict[str, Any], reason: Reason) -> None:
    assert rejection(event)[0] == reason


def test_attributes_that_are_null_are_as_good_as_absent() -> None:
    event = EVENT | {"datacontenttype": None, "data_base64": None, "entity": None, "data": {"id": "1", "text": "a"}}
    assert decode(event) == Tweet("1", "a")


ATTRIBUTES = tuple(EVENT.items())
PLAIN = b'{"id":"1","text":"a"}'


def decode_with(content_type: str | None, *properties: tuple[str, str], payload: bytes = PLAIN) -> Tweet:
    return decode_tweet(payload, LIMITS, content_type, properties)


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "application/activity+json", None])
def test_an_event_in_binary_mode_has_its_data_as_the_payload(content_type: str | None) -> None:
    extras = (("entity", "Acme"), ("lang", "de"))
    assert decode_with(content_type, *ATTRIBUTES, *extras) == Tweet("1", "a", entity="Acme", lang="de")
    with_lang = b'{"id":"1","text":"a","lang":"fr"}'
    assert decode_with(content_type, *ATTRIBUTES, *extras, payload=with_lang).lang == "fr"
    assert decode_with(content_type, *ATTRIBUTES, payload=orjson.dumps(COMMIT)).id == URI


def test_properties_that_are_not_all_of_an_events_attributes_are_ignored() -> None:
    assert decode_with("text/html", *ATTRIBUTES[1:], ("entity", "Acme")) == Tweet("1", "a")
    assert decode_with(None, ("traceparent", "00")) == Tweet("1", "a")
    assert decode_with("text/plain") == Tweet("1", "a")


@pytest.mark.parametrize("content_type", ["application/cloudevents+json; charset=utf-8", "Application/CloudEvents"])
def test_an_event_in_structured_mode_is_read_with_its_content_type(content_type: str) -> None:
    event = orjson.dumps(EVENT | {"data": {"id": "1", "text": "a"}})
    assert decode_with(content_type, payload=event) == Tweet("1", "a")


@pytest.mark.parametrize(
    ("content_type", "properties", "detail"),
    [
        ("application/cloudevents-batch+json", (), "batch of CloudEvents"),
        ("application/cloudevents+avro; a=b", (), "format application/cloudevents\\+avro: only"),
        ("application/cloudevents\x1b[2J", (), "format an unknown content type: only"),
        ("application/avro", ATTRIBUTES, "is application/avro, not application/json"),
        ("application/json", (("specversion", "0.3"), *ATTRIBUTES[1:]), "another specversion"),
    ],
)
def test_an_event_that_is_not_supported_is_rejected(
    content_type: str, properties: tuple[tuple[str, str], ...], detail: str
) -> None:
    with pytest.raises(RejectedTweetError, match=detail) as caught:
        decode_with(content_type, *properties)
    assert caught.value.reason is Reason.UNSUPPORTED


@given(
    st.sampled_from([COMMIT, STATUS, V2_RETWEET, EVENT | {"data": STATUS}, {"data": V2_RETWEET}]),
    st.lists(st.tuples(st.text(max_size=3), st.none() | st.integers() | st.lists(st.integers()) | st.just({}))),
    st.data(),
)
def test_a_message_with_any_value_replaced_is_a_tweet_or_a_rejection(
    message: dict[str, Any], values: list[tuple[str, object]], data: st.DataObject
) -> None:
    changed = orjson.loads(orjson.dumps(message))
    for _, value in values:
        place = changed
        while isinstance(inner := place[data.draw(st.sampled_from(sorted(place)))], dict) and inner:
            place = inner
        place[data.draw(st.sampled_from(sorted(place)))] = value
    with suppress(RejectedTweetError, orjson.JSONEncodeError):  # the latter for an integer beyond 64 bits
        assert decode(changed).text
