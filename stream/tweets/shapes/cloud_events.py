"""CloudEvents 1.0 in JSON (structured mode) and as properties of an MQTT 5 message (binary mode).

https://github.com/cloudevents/spec/tree/v1.0.2/cloudevents: formats/json-format.md, bindings/mqtt-protocol-binding.md.
The data is a message of another shape. The event's own `id` is not the tweet's. `entity` and `lang` may be extension
attributes.
"""

import base64
import binascii
import re
from collections.abc import Iterable
from typing import Final

import orjson

from stream.tweets.rejections import Reason, RejectedTweetError
from stream.tweets.shapes.fields import Json

MEDIA_TYPE: Final = "application/cloudevents+json"
REQUIRED: Final = ("specversion", "type", "source", "id")
"""The attributes that every event has; in binary mode all of them make a message an event."""

_FORMATS = "application/cloudevents"
_BATCH = "application/cloudevents-batch"
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,64}/[a-z0-9!#$&^_.+-]{1,64}")


def matches(found: Json) -> bool:
    """Return whether an object is an event in structured mode."""
    return isinstance(found.get("specversion"), str)


def is_batch(found: object) -> bool:
    """Return whether a JSON value is a batch of events."""
    return isinstance(found, list) and bool(found) and isinstance(found[0], dict) and matches(found[0])


def batch_rejection() -> RejectedTweetError:
    """Return the rejection of a batch: a message has one result."""
    detail = "the message is a batch of CloudEvents: publish each event as a message of its own"
    return RejectedTweetError(Reason.UNSUPPORTED, detail)


def unwrap(event: Json) -> Json:
    """Return the message that an event carries, with the event's `entity` and `lang` where it has none itself.

    Raises:
        RejectedTweetError: The event is of another version, or has no data, or data that is not a JSON object.
    """
    _check_version(event["specversion"])
    data = _data(event)
    if not isinstance(data, dict):
        raise RejectedTweetError(Reason.NOT_AN_OBJECT, "the data of the CloudEvents message is not a JSON object")
    return with_attributes(event, data)


def with_attributes(attributes: Json, data: Json) -> Json:
    """Return a message with the `entity` and `lang` of the event around it where it has none itself."""
    beside = {key: attributes[key] for key in ("entity", "lang") if key in attributes}
    return {**beside, **data} if beside else data


def binary_attributes(content_type: str | None, properties: Iterable[tuple[str, str]]) -> Json | None:
    """Return the attributes of an event in binary mode, whose data is the payload.

    Args:
        content_type: The message's content type.
        properties: The message's user properties: an event's attributes, under their own names.

    Returns:
        The attributes; None for a message that is no such event.

    Raises:
        RejectedTweetError: The event is of another version, or in a format other than JSON.
    """
    if content_type is not None and content_type.lower().startswith(_FORMATS):
        _check_format(content_type)
        return None
    attributes = dict(properties)
    if not all(name in attributes for name in REQUIRED):
        return None
    _check_version(attributes["specversion"])
    if content_type is not None and not _is_json(content_type):
        raise _not_json(content_type)
    return attributes


def _data(event: Json) -> object:
    encoded = event.get("data_base64")
    if encoded is None:
        data, content_type = event.get("data"), event.get("datacontenttype")
        if isinstance(data, str) and isinstance(content_type, str) and not _is_json(content_type):
            raise _not_json(content_type)
        return data
    try:
        return orjson.loads(base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError, TypeError) as error:  # orjson's error and characters beyond ASCII: ValueError
        detail = "data_base64 of the CloudEvents message is not JSON in base64"
        raise RejectedTweetError(Reason.NOT_JSON, detail) from error


def _check_version(version: str) -> None:
    if not version.startswith("1."):
        raise RejectedTweetError(Reason.UNSUPPORTED, "the CloudEvents message has another specversion than 1.0")


def _check_format(content_type: str) -> None:
    media_type = _media_type(content_type)
    if media_type.startswith(_BATCH):
        raise batch_rejection()
    if media_type not in (_FORMATS, MEDIA_TYPE):
        detail = f"the message is a CloudEvents message in the format {_shown(media_type)}: only {MEDIA_TYPE} is read"
        raise RejectedTweetError(Reason.UNSUPPORTED, detail)


def _is_json(content_type: str) -> bool:
    """Return whether a content type declares JSON: its subtype is `json` or ends with `+json`."""
    _, _, subtype = _media_type(content_type).partition("/")
    return subtype == "json" or subtype.endswith("+json")


def _media_type(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _not_json(content_type: str) -> RejectedTweetError:
    detail = f"the data of the CloudEvents message is {_shown(_media_type(content_type))}, not application/json"
    return RejectedTweetError(Reason.UNSUPPORTED, detail)


def _shown(media_type: str) -> str:
    return media_type if _MEDIA_TYPE.fullmatch(media_type) else "an unknown content type"
