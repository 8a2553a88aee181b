"""Decoding: bytes to a tweet."""

from collections.abc import Sequence
from typing import Any

import orjson

from stream.settings import LimitSettings
from stream.tweets.rejections import Reason, RejectedTweetError
from stream.tweets.shapes import bluesky, cloud_events, mastodon, x_v1, x_v2
from stream.tweets.shapes.fields import LONGEST_ID, Fields, Json, child
from stream.tweets.tweet import Tweet

_LONGEST_EXTRA = 256
"""Characters of `entity` and `lang` that are copied to the label."""


def decode_tweet(
    payload: bytes,
    limits: LimitSettings,
    content_type: str | None = None,
    user_properties: Sequence[tuple[str, str]] = (),
) -> Tweet:
    """Decode a tweet in any of the shapes of stream/tweets/shapes.

    X API v2 and v1.1, tweets of Twitter's archive, Bluesky posts and Jetstream commits, Mastodon statuses, and
    CloudEvents 1.0 around any of them.

    Args:
        payload: The message.
        limits: Limits of size.
        content_type: The content type that came with the message, if any.
        user_properties: The names and values that came with the message: the attributes of an event in binary mode.

    Raises:
        RejectedTweetError: The payload is none of these, or exceeds a limit.
    """
    attributes = None
    if content_type is not None or user_properties:
        attributes = cloud_events.binary_attributes(content_type, user_properties)
    found: Json = _json_object(payload, limits)
    if attributes is not None:
        found = cloud_events.with_attributes(attributes, found)
    return checked(find_fields(found), limits)


def find_fields(found: Json) -> Fields:
    """Find the fields of a tweet in parsed JSON of any shape.

    Raises:
        RejectedTweetError: The message is about something else than a post.
    """
    if cloud_events.matches(found):
        found = cloud_events.unwrap(found)
    if bluesky.matches(found):
        return bluesky.read(found)
    if mastodon.matches(found):
        return mastodon.read(found)
    if x_v2.matches_wrapped(found):
        return x_v2.read_wrapped(found)
    if "id" not in found and "id_str" not in found:
        x_v1.reject_notice(found)
        if tweet := child(found, "tweet"):  # an entry of Twitter's archive
            found = {"entity": found.get("entity"), "lang": found.get("lang"), **tweet}
    return x_v1.read(found) if x_v1.matches(found) else x_v2.read(found)


def checked(fields: Fields, limits: LimitSettings) -> Tweet:
    """Check the fields of a tweet.

    Raises:
        RejectedTweetError: One is missing, of a wrong type, or exceeds a limit.
    """
    tweet_id = _checked_id(fields.id)
    text = fields.text
    if text is None or (isinstance(text, str) and not text.strip()):
        raise RejectedTweetError(Reason.NO_TEXT, "the tweet has no text", tweet_id)
    if not isinstance(text, str):
        raise RejectedTweetError(Reason.BAD_TEXT, f"the text is {_json_type(text)}, not a string", tweet_id)
    if len(text) > limits.text_characters:
        detail = f"the text has {len(text)} characters, the limit is {limits.text_characters}"
        raise RejectedTweetError(Reason.TOO_LONG, detail, tweet_id)
    return Tweet(tweet_id, text, entity=_extra(fields.entity), lang=_extra(fields.lang))


def _json_object(payload: bytes, limits: LimitSettings) -> dict[str, Any]:
    if not payload:
        raise RejectedTweetError(Reason.EMPTY, "the message is empty")
    if len(payload) > limits.payload_bytes:
        detail = f"the message has {len(payload)} bytes, the limit is {limits.payload_bytes}"
        raise RejectedTweetError(Reason.TOO_LARGE, detail)
    try:
        found = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise _undecodable(payload, error) from error
    if not isinstance(found, dict):
        if cloud_events.is_batch(found):
            raise cloud_events.batch_rejection()
        raise RejectedTweetError(Reason.NOT_AN_OBJECT, f"the message is {_json_type(found)}, not a JSON object")
    return found


def _undecodable(payload: bytes, error: orjson.JSONDecodeError) -> RejectedTweetError:
    try:
        payload.decode("utf-8")
    except UnicodeDecodeError as utf8_error:
        return RejectedTweetError(Reason.NOT_UTF8, f"byte {utf8_error.start} is not UTF-8")
    # The parser's message quotes nothing of the tweet.
    return RejectedTweetError(Reason.NOT_JSON, f"not JSON at character {error.pos}: {error.msg}")


def _checked_id(tweet_id: object) -> str:
    if tweet_id is None:
        raise RejectedTweetError(Reason.NO_ID, "the tweet has no id")
    if isinstance(tweet_id, int) and not isinstance(tweet_id, bool):
        return str(tweet_id)
    if not isinstance(tweet_id, str):
        raise RejectedTweetError(Reason.BAD_ID, f"the id is {_json_type(tweet_id)}, not a string")
    if not tweet_id.strip():
        raise RejectedTweetError(Reason.NO_ID, "the tweet's id is empty")
    if len(tweet_id) > LONGEST_ID:
        raise RejectedTweetError(Reason.BAD_ID, f"the id has {len(tweet_id)} characters, the limit is {LONGEST_ID}")
    return tweet_id


def _extra(value: object) -> str | None:
    return value[:_LONGEST_EXTRA] if isinstance(value, str) and value.strip() else None


def _json_type(value: object) -> str:
    names = {type(None): "null", bool: "a truth value", str: "a string", list: "a list", dict: "an object"}
    return names.get(type(value), "a number")
