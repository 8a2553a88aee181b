"""Labels and rejections, and their encoding as messages."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, NotRequired

import orjson
from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

from stream.tweets.polarity import Polarity
from stream.tweets.rejections import Reason, RejectedTweetError
from stream.tweets.tweet import LanguageSource, Tweet

Change = Literal["prior", "below_threshold"]
"""The setting of `[decision]` that made a polarity another one than the model's most probable."""

_DESCRIBED = ConfigDict(use_attribute_docstrings=True)
"""Makes the docstrings of a message's fields the descriptions in its JSON schema."""


@with_config(_DESCRIBED)
class ModelFields(TypedDict):
    """The model that made a label."""

    name: str
    """Name of the model bundle."""
    precision: str
    """Precision of the weights, for example `int8`."""
    sha256: str
    """SHA-256 of the model file, as 64 hexadecimal digits."""


@with_config(_DESCRIBED)
class LabelFields(TypedDict):
    """The part of a label that every command writes."""

    id: str
    """The tweet's id."""
    polarity: Polarity
    """The most probable polarity, or neutral if `decision` is `below_threshold`."""
    confidence: float
    """Probability of the polarity, 0 to 1."""
    probabilities: dict[Polarity, float]
    """Probability of each polarity, 0 to 1, weighted by `decision.prior` if the settings have one."""
    decision: NotRequired[Change]
    """The setting that made the polarity another one than the model's most probable: `decision.prior`, or
    `decision.threshold`."""
    entity: NotRequired[str]
    """The company, product or person that the label concerns: the tweet's `entity`, or one that the settings list."""
    entity_used: NotRequired[bool]
    """True if the model has read the entity; false: it is the polarity of the tweet as a whole. Only with `entity`."""
    lang: NotRequired[str]
    """The tweet's language: the tag in its message, or a code of ISO 639-1 where it was identified from the text."""
    lang_source: NotRequired[LanguageSource]
    """Source of `lang`: the message of the `publisher`, or the `text`. Only with `lang`."""
    language_supported: NotRequired[bool]
    """False if the model does not label texts in this language; absent where the tweet's language is unknown."""
    text: NotRequired[str]
    """The tweet's text; only with `labels.include_text = true`."""


@with_config(_DESCRIBED)
class LabelMessage(LabelFields):
    """The polarity of one tweet, from one node."""

    model: ModelFields
    """The model that made the label."""
    node: str
    """Name of the node."""
    received_at: datetime
    """Time at which the node received the tweet, UTC."""
    classified_at: datetime
    """Time at which the label was made, UTC."""


@with_config(_DESCRIBED)
class RejectionMessage(TypedDict):
    """The reason why a message got no label."""

    id: NotRequired[str]
    """The tweet's id, if it could be read."""
    entity: NotRequired[str]
    """The entity whose label is missing; the tweet's other labels are not."""
    reason: Reason
    """Kind of the fault."""
    detail: str
    """The fault in words; never the tweet's text."""
    payload_sha256: str
    """SHA-256 of the rejected message, as 64 hexadecimal digits."""
    payload_bytes: int
    """Size of the rejected message."""
    node: str
    """Name of the node."""
    received_at: datetime
    """Time at which the node received the message, UTC."""


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """The model of a label."""

    name: str
    precision: str
    sha256: str
    """SHA-256 of the model file, as 64 hexadecimal digits."""

    def as_json(self) -> ModelFields:
        """Return the part of a message that names the model."""
        return ModelFields(name=self.name, precision=self.precision, sha256=self.sha256)


@dataclass(frozen=True, slots=True)
class Label:
    """A tweet's polarity and the model's probabilities."""

    tweet: Tweet
    polarity: Polarity
    probabilities: dict[Polarity, float]
    entity_used: bool = False
    """True if the model has read the tweet's entity."""

    decision: Change | None = None
    """The setting that made the polarity another one than the model's most probable; None: it is the same."""

    model: ModelIdentity | None = None
    """The model that made the label; None: the one of the encoder."""

    @property
    def confidence(self) -> float:
        """The probability of the polarity, 0 to 1."""
        return self.probabilities[self.polarity]

    def as_json(self) -> LabelFields:
        """Return the part of a label that every command writes: id, result, `entity` and language."""
        fields: LabelFields = {
            "id": self.tweet.id,
            "polarity": self.polarity,
            "confidence": round(self.confidence, 6),
            "probabilities": {name: round(value, 6) for name, value in self.probabilities.items()},
        }
        if self.decision is not None:
            fields["decision"] = self.decision
        if self.tweet.entity is not None:
            fields["entity"] = self.tweet.entity
            fields["entity_used"] = self.entity_used
        if self.tweet.lang is not None:
            fields["lang"] = self.tweet.lang
            fields["lang_source"] = self.tweet.lang_source
        if self.tweet.language_supported is not None:
            fields["language_supported"] = self.tweet.language_supported
        return fields


class LabelEncoder:
    """Encodes labels and rejections as JSON for one node and one model, unless a label names another one."""

    def __init__(self, node: str, model: ModelIdentity, *, include_text: bool = False) -> None:
        self._node = node
        self._include_text = include_text
        self._model = model.as_json()

    def label(self, label: Label, received_at: float, classified_at: float) -> bytes:
        """Encode a label; times are seconds since the epoch."""
        message: LabelMessage = {
            **label.as_json(),
            "model": label.model.as_json() if label.model is not None else self._model,
            "node": self._node,
            "received_at": _utc(received_at),
            "classified_at": _utc(classified_at),
        }
        if self._include_text:
            message["text"] = label.tweet.text
        return orjson.dumps(message, option=orjson.OPT_UTC_Z)

    def rejection(self, rejected: RejectedTweetError, payload: bytes, received_at: float) -> bytes:
        """Encode a rejection: the reason, and the payload's hash, by which its sender can find it; never the text."""
        message: RejectionMessage = {
            "reason": rejected.reason,
            "detail": rejected.detail,
            "payload_sha256": hashlib.sha256(payload).hexdigest(),
            "payload_bytes": len(payload),
            "node": self._node,
            "received_at": _utc(received_at),
        }
        if rejected.entity is not None:
            message = {"entity": rejected.entity, **message}
        if rejected.tweet_id is not None:
            message = {"id": rejected.tweet_id, **message}
        return orjson.dumps(message, option=orjson.OPT_UTC_Z)


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
