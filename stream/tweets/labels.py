"""Labels and rejections, and their encoding as messages."""

import hashlib
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from stream.tweets.polarity import Polarity
from stream.tweets.rejections import RejectedTweetError
from stream.tweets.tweet import Tweet


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """The model of a label."""

    name: str
    precision: str
    sha256: str
    """SHA-256 of the model file, as 64 hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class Label:
    """A tweet's polarity and the model's probabilities."""

    tweet: Tweet
    polarity: Polarity
    probabilities: dict[Polarity, float]

    @property
    def confidence(self) -> float:
        """The probability of the polarity, 0 to 1."""
        return self.probabilities[self.polarity]

    def as_json(self) -> dict[str, Any]:
        """Return the part of a label that every command writes: id, result, and the tweet's own `entity` and `lang`."""
        copied = {"entity": self.tweet.entity, "lang": self.tweet.lang}
        return {
            "id": self.tweet.id,
            "polarity": self.polarity,
            "confidence": round(self.confidence, 6),
            "probabilities": {name: round(value, 6) for name, value in self.probabilities.items()},
            **{key: value for key, value in copied.items() if value is not None},
        }


class LabelEncoder:
    """Encodes labels and rejections as JSON for one node and one model."""

    def __init__(self, node: str, model: ModelIdentity, *, include_text: bool = False) -> None:
        self._node = node
        self._include_text = include_text
        self._model = asdict(model)

    def label(self, label: Label, received_at: float, classified_at: float) -> bytes:
        """Encode a label; times are seconds since the epoch."""
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
        """Encode a rejection: the reason, and the payload's hash, by which its sender can find it; never the text."""
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
