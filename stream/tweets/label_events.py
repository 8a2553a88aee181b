"""Labels and rejections as CloudEvents 1.0.

An event's `source` and `id` stay the same when the tweet is labelled again, also by another node of the group, so that
a consumer can drop the second one.
"""

import hashlib
from typing import Final, Literal, NotRequired
from urllib.parse import quote

import orjson
from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

from stream.tweets.labels import LabelMessage, RejectionMessage

LABEL_TYPE: Final = "io.github.starling-edge.tweet.labelled.v1"
REJECTION_TYPE: Final = "io.github.starling-edge.tweet.rejected.v1"
_SCHEMAS = "https://raw.githubusercontent.com/starling-edge/starling/main/docs/asyncapi.yaml#/components/schemas/"
_DATA: Final = b',"data":'
_DESCRIBED = ConfigDict(use_attribute_docstrings=True)


@with_config(_DESCRIBED)
class EventAttributes(TypedDict):
    """The attributes of an event."""

    specversion: Literal["1.0"]
    """Version of CloudEvents."""
    id: str
    """Hash of the tweet's message and its entity; the same for a tweet that is labelled again."""
    source: str
    """The group of nodes, or the node that belongs to no group."""
    type: str
    """Kind of the event: a label or a rejection."""
    subject: NotRequired[str]
    """The tweet's id, if it could be read and has only printable characters."""
    time: str
    """Time at which the label was made, or the rejected message arrived."""
    datacontenttype: Literal["application/json"]
    """Content type of the data."""
    dataschema: str
    """Address of the JSON schema of the data."""


@with_config(_DESCRIBED)
class LabelEvent(EventAttributes):
    """A label as a CloudEvents message in structured mode."""

    data: LabelMessage
    """The label."""


@with_config(_DESCRIBED)
class RejectionEvent(EventAttributes):
    """A rejection as a CloudEvents message in structured mode."""

    data: RejectionMessage
    """The rejection."""


def event_source(node: str, group: str | None) -> str:
    """Return the `source` of the events of a node, or of the group that the node shares tweets with."""
    return f"/starling/nodes/{quote(node, safe='')}" if group is None else f"/starling/groups/{quote(group, safe='')}"


def event_attributes(result: bytes, source: str, *origin: bytes) -> EventAttributes:
    """Return the attributes of the event that reports a result.

    Args:
        result: A label or a rejection.
        source: The result of `event_source`.
        origin: Bytes that identify the tweet's message.
    """
    fields = orjson.loads(result)
    is_label = "polarity" in fields
    name = "LabelMessage" if is_label else "RejectionMessage"
    attributes: EventAttributes = {
        "specversion": "1.0",
        "id": _hash(*origin, (fields.get("entity") or "").encode()),
        "source": source,
        "type": LABEL_TYPE if is_label else REJECTION_TYPE,
        "time": fields["classified_at" if is_label else "received_at"],
        "datacontenttype": "application/json",
        "dataschema": _SCHEMAS + name,
    }
    tweet_id = fields.get("id")
    if tweet_id and tweet_id.isprintable():  # CloudEvents and MQTT allow no control characters
        attributes["subject"] = tweet_id
    return attributes


def structured(attributes: EventAttributes, result: bytes) -> bytes:
    """Write an event in structured mode around a label or a rejection."""
    return orjson.dumps(attributes)[:-1] + _DATA + result + b"}"


def result_in(payload: bytes) -> bytes:
    """Return the label or the rejection in a message: its data where it is an event in structured mode."""
    if not payload.lstrip().startswith(b"{") or b'"specversion"' not in payload:
        return payload
    try:
        found = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return payload
    is_event = isinstance(found.get("specversion"), str) and isinstance(found.get("data"), dict)
    return orjson.dumps(found["data"]) if is_event else payload


def _hash(*parts: bytes) -> str:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(len(part).to_bytes(8))
        whole.update(part)
    return whole.hexdigest()[:32]
