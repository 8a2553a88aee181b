"""The wire: what a tweet, a label and a rejection look like as bytes."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import orjson

from stream.bundle import Bundle, Polarity
from stream.settings import LimitSettings

_LONGEST_ID = 128
_LONGEST_EXTRA = 256
"""Characters of `entity` and `lang` that travel through."""


class Reason(StrEnum):
    """Why a tweet was rejected."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    NO_ID = "no_id"
    BAD_ID = "bad_id"
    NO_TEXT = "no_text"
    BAD_TEXT = "bad_text"
    TOO_LONG = "too_long"
    NOTHING_LEFT = "nothing_left"


class RejectedTweetError(Exception):
    """A tweet that cannot be labelled. No fault of the service: it is reported to the rejected topic."""

    def __init__(self, reason: Reason, detail: str, tweet_id: str | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.tweet_id = tweet_id


@dataclass(frozen=True, slots=True)
class Tweet:
    """What Starling reads of a tweet."""

    id: str
    text: str
    entity: str | None = None
    """Whose reputation the tweet touches; travels through to the label."""
    lang: str | None = None


@dataclass(frozen=True, slots=True)
class Label:
    """A tweet's polarity and how sure the model is of it."""

    tweet: Tweet
    polarity: Polarity
    probabilities: dict[Polarity, float]

    @property
    def confidence(self) -> float:
        """The probability of the polarity, 0 to 1."""
        return self.probabilities[self.polarity]

    def as_json(self) -> dict[str, Any]:
        """What a label says whoever made it: the tweet's id, the result, and what travels through."""
        through = {"entity": self.tweet.entity, "lang": self.tweet.lang}
        return {
            "id": self.tweet.id,
            "polarity": self.polarity,
            "confidence": round(self.confidence, 6),
            "probabilities": {name: round(value, 6) for name, value in self.probabilities.items()},
            **{key: value for key, value in through.items() if value is not None},
        }


def decode_tweet(payload: bytes, limits: LimitSettings) -> Tweet:
    """Reads a tweet in any of the shapes of the X API.

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


class LabelEncoder:
    """Writes labels and rejections as JSON for one node and one model."""

    def __init__(self, node: str, bundle: Bundle, *, include_text: bool = False) -> None:
        manifest = bundle.manifest
        self._node = node
        self._include_text = include_text
        self._model = {"name": manifest.name, "precision": manifest.precision, "sha256": bundle.sha256}

    def label(self, label: Label, received_at: float, classified_at: float) -> bytes:
        """Writes a label; times are seconds since the epoch."""
        message = label.as_json() | {
            "model": self._model,
            "node": self._node,
            "received_at": _utc(received_at),
            "classified_at": _utc(classified_at),
        }
        if self._include_text:
            message["text"] = label.tweet.text
        return orjson.dumps(message, option=orjson.OPT_UTC_Z)

    def rejection(self, rejected: RejectedTweetError, payload: bytes, received_at: float) -> bytes:
        """Writes a rejection: the reason, and the payload's hash for its sender to know it by; never the text."""
        message: dict[str, Any] = {
            "reason": rejected.reason,
            "detail": rejected.detail,
            "payload_sha256": hashlib.sha256(payload).hexdigest(),
            "payload_bytes": len(payload),
            "node": self._node,
            "received_at": _utc(received_at),
        }
        if rejected.tweet_id is not None:
            message = {"id": rejected.tweet_id, **message}
        return orjson.dumps(message, option=orjson.OPT_UTC_Z)


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
