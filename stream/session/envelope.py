"""The form in which results are published: as they are, or as CloudEvents 1.0; with the trace of their tweet.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/mqtt-protocol-binding.md. MQTT 3.1.1 has no
properties: over it every event is in structured mode, and no trace is carried on.
"""

from typing import NamedTuple

import orjson

from stream.mqtt.packets import Headers, Message
from stream.session.trace_context import trace_of
from stream.settings import Settings
from stream.tweets.label_events import event_attributes, event_source, structured
from stream.tweets.shapes.cloud_events import MEDIA_TYPE

_STRUCTURED = Headers(f"{MEDIA_TYPE}; charset=utf-8")


class Enveloped(NamedTuple):
    """A message as it is published."""

    payload: bytes
    headers: Headers | None = None


class Envelope:
    """Puts results into the form that the settings ask for.

    Args:
        settings: The format, and the names of the node and of its group.
    """

    def __init__(self, settings: Settings) -> None:
        self._format = settings.labels.format
        self._source = event_source(settings.node, settings.broker.group)

    def changes(self, source: Message) -> bool:
        """Return whether a result of a message may be published in another form than it has."""
        return self._format != "json" or source.headers is not None

    def enclose(self, payload: bytes, source: Message, *, version_5: bool) -> Enveloped:
        """Return a result as it is published.

        Args:
            payload: A label or a rejection.
            source: The message that it is the result of.
            version_5: Whether the message can have properties.
        """
        plain = Enveloped(payload) if self._format == "json" else self._event(payload, source, version_5=version_5)
        if source.headers is None or not version_5:
            return plain
        trace = trace_of(source.headers.user_properties)
        if not trace:
            return plain
        content_type, properties = plain.headers or Headers()
        return plain._replace(headers=Headers(content_type, (*properties, *trace)))

    def _event(self, payload: bytes, source: Message, *, version_5: bool) -> Enveloped:
        origin = orjson.dumps(source.headers.user_properties) if source.headers else b""
        attributes = event_attributes(payload, self._source, source.payload, origin)
        if self._format == "cloudevents" or not version_5:
            return Enveloped(structured(attributes, payload), _STRUCTURED)
        content_type = attributes["datacontenttype"]
        properties = tuple((name, str(value)) for name, value in attributes.items() if name != "datacontenttype")
        return Enveloped(payload, Headers(content_type, properties))
