"""Decoding: bytes to a tweet."""

from typing import Any

import orjson

from stream.settings import LimitSettings
from stream.tweets.rejections import Reason, RejectedTweetError
from stream.tweets.tweet import Tweet

_LONGEST_ID = 128
_LONGEST_EXTRA = 256
"""Characters of `entity` and `lang` that travel through."""


def decode_tweet(payload: bytes, limits: LimitSettings) -> Tweet:
    """Read a tweet in any of the shapes of the X API.

    v2 (`id`, `text`, `note_tweet`), also wrapped as `{"data": …}`, and v1.1 (`id_str`, `full_text` or `text`,
    `extended_tweet`, `retweeted_status`).

    Raises:
        RejectedTweetError: The payload is none of these, or exceeds a limit.
    """
    found = _json_object(payload, limits)
    if isinstance(data := found.get("data"), dict) and not found.keys() & {"id", "id_str"}:
        found = {"entity": found.get("entity"), "lang": found.get("lang"), **data}
    tweet_id = _tweet_id(found)
    text = _text(found)
    if text is None or (isinstance(text, str) and not text.strip()):
        raise RejectedTweetError(Reason.NO_TEXT, "the tweet has no text", tweet_id)
    if not isinstance(text, str):
        raise RejectedTweetError(Reason.BAD_TEXT, f"the text is {_json_type(text)}, not a string", tweet_id)
    if len(text) > limits.text_characters:
        detail = f"the text has {len(text)} characters, the limit is {limits.text_characters}"
        raise RejectedTweetError(Reason.TOO_LONG, detail, tweet_id)
    return Tweet(tweet_id, text, entity=_extra(found, "entity"), lang=_extra(found, "lang"))


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
        raise RejectedTweetError(Reason.NOT_AN_OBJECT, f"the message is {_json_type(found)}, not a JSON object")
    return found


def _undecodable(payload: bytes, error: orjson.JSONDecodeError) -> RejectedTweetError:
    try:
        payload.decode("utf-8")
    except UnicodeDecodeError as utf8_error:
        return RejectedTweetError(Reason.NOT_UTF8, f"byte {utf8_error.start} is not UTF-8")
    # The parser's own words quote nothing of the tweet.
    return RejectedTweetError(Reason.NOT_JSON, f"not JSON at character {error.pos}: {error.msg}")


def _tweet_id(found: dict[str, Any]) -> str:
    """The id as a string; v1.1's numeric `id` only where `id_str` is missing, for JavaScript rounds it."""
    tweet_id = found.get("id_str")
    if tweet_id is None:
        tweet_id = found.get("id")
    if tweet_id is None:
        raise RejectedTweetError(Reason.NO_ID, "the tweet has no id")
    if isinstance(tweet_id, int) and not isinstance(tweet_id, bool):
        return str(tweet_id)
    if not isinstance(tweet_id, str):
        raise RejectedTweetError(Reason.BAD_ID, f"the id is {_json_type(tweet_id)}, not a string")
    if not tweet_id.strip():
        raise RejectedTweetError(Reason.NO_ID, "the tweet's id is empty")
    if len(tweet_id) > _LONGEST_ID:
        raise RejectedTweetError(Reason.BAD_ID, f"the id has {len(tweet_id)} characters, the limit is {_LONGEST_ID}")
    return tweet_id


def _text(found: dict[str, Any]) -> object:
    """The longest text there is: the plain `text` of long tweets and of retweets is cut short."""
    retweeted = found.get("retweeted_status")
    return (_own_text(retweeted) if isinstance(retweeted, dict) else None) or _own_text(found)


def _own_text(found: dict[str, Any]) -> object:
    for holder, key in (("note_tweet", "text"), ("extended_tweet", "full_text")):
        if isinstance(inner := found.get(holder), dict) and inner.get(key):
            return inner[key]
    return found["full_text"] if found.get("full_text") is not None else found.get("text")


def _extra(found: dict[str, Any], key: str) -> str | None:
    value = found.get(key)
    return value[:_LONGEST_EXTRA] if isinstance(value, str) else None


def _json_type(value: object) -> str:
    names = {type(None): "null", bool: "a truth value", str: "a string", list: "a list", dict: "an object"}
    return names.get(type(value), "a number")
