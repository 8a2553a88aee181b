"""CloudEvents 1.0 in structured mode: `data` or `data_base64` is a message of another shape.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md. The event's own `id` is not the
tweet's. `entity` and `lang` may be extension attributes.
"""

import base64
import binascii

import orjson

from stream.tweets.rejections import Reason, RejectedTweetError
from stream.tweets.shapes.fields import Json


def matches(found: Json) -> bool:
    """Return whether an object has the attributes that every event must have."""
    return all(isinstance(found.get(key), str) for key in ("specversion", "type", "source", "id"))


def unwrap(event: Json) -> Json:
    """Return the message that an event carries, with the event's `entity` and `lang` where it has none itself.

    Raises:
        RejectedTweetError: The event has no data, or data that is not a JSON object.
    """
    data = _data(event)
    if not isinstance(data, dict):
        raise RejectedTweetError(Reason.NOT_AN_OBJECT, "the data of the CloudEvents message is not a JSON object")
    beside = {key: event[key] for key in ("entity", "lang") if key in event}
    return beside | data


def _data(event: Json) -> object:
    encoded = event.get("data_base64")
    if not isinstance(encoded, str):
        return event.get("data")
    try:
        return orjson.loads(base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError) as error:  # orjson's error and a character beyond ASCII are ValueErrors
        detail = "data_base64 of the CloudEvents message is not JSON in base64"
        raise RejectedTweetError(Reason.NOT_JSON, detail) from error
