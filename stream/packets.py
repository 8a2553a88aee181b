"""What is let through to paho of a message that comes in.

A broker hands on whatever a sender of tweets put into a packet, and paho takes it as it is: hundreds of megabytes, in
several copies; properties by the hundred thousand, in a time that grows with the square of their number. A property
with U+FEFF in it, which MQTT allows and paho does not, even ends the connection, and again whenever the broker sends
the message anew.
"""

import struct
from contextlib import suppress

from paho.mqtt.client import MQTTMessage
from paho.mqtt.exception import MQTTException
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties, VariableByteIntegers

from stream.settings import MOST_PAYLOAD_BYTES

MOST_PACKET_BYTES = MOST_PAYLOAD_BYTES + 131_072
"""What is kept of a packet: a topic, properties, and more of the payload than any setting lets us read."""
_MOST_PROPERTY_BYTES = 2048
"""Enough for a response topic, correlation data and tracing; 4 ms of paho's time at the very most."""
_NO_PROPERTIES = b"\0"
_UNREADABLE = (MQTTException, ValueError, KeyError, IndexError, struct.error)


def with_request_properties_only(packet: bytearray, qos: int) -> bytearray:
    """Takes out of a PUBLISH packet all properties but those of a request (MQTT 5, 4.10).

    Args:
        packet: What follows the fixed header: topic, packet identifier, properties, payload (MQTT 5, 3.3.2).
        qos: The message's quality of service; with 0 it has no packet identifier.
    """
    start = 2 + int.from_bytes(packet[:2]) + (2 if qos else 0)
    if packet[start : start + 1] == _NO_PROPERTIES:
        return packet
    length, length_bytes = VariableByteIntegers.decode(packet[start : start + 4])  # type: ignore[no-untyped-call]
    end = start + length_bytes + length
    return packet[:start] + _request_properties(bytes(packet[start:end])) + packet[end:]


def _request_properties(section: bytes) -> bytes:
    """Leaves of the properties those of a request; of what is too long, none, and of what paho cannot read, few."""
    sent, kept = _properties(), _properties()
    if len(section) <= _MOST_PROPERTY_BYTES:
        with suppress(*_UNREADABLE):
            sent.unpack(section)  # type: ignore[no-untyped-call]
    for name in ("ResponseTopic", "CorrelationData"):
        if hasattr(sent, name):
            setattr(kept, name, getattr(sent, name))
    return bytes(kept.pack())  # type: ignore[no-untyped-call]


def response_properties(message: MQTTMessage) -> tuple[str, Properties] | None:
    """Where a message wants its answer (MQTT 5, 4.10), and the properties to send it with; None if nowhere."""
    asked = message.properties
    topic = getattr(asked, "ResponseTopic", None)
    if not topic:
        return None
    properties = _properties()
    if (correlation := getattr(asked, "CorrelationData", None)) is not None:
        properties.CorrelationData = correlation
    return topic, properties


def _properties() -> Properties:
    return Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
