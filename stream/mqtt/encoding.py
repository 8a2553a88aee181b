"""Writing packets (MQTT 5 and 3.1.1, section 3)."""

from typing import Final

from stream.mqtt.packets import (
    CONNECT,
    DISCONNECT,
    PINGREQ,
    PUBACK,
    PUBLISH,
    QOS_1,
    SUBSCRIBE,
    UNSUBSCRIBE,
    Headers,
    Login,
)
from stream.mqtt.properties import (
    CONTENT_TYPE,
    CORRELATION_DATA,
    RECEIVE_MAXIMUM,
    RESPONSE_TOPIC,
    SESSION_EXPIRY_INTERVAL,
    write_properties,
    write_string,
    write_variable_integer,
)

PING_REQUEST: Final = bytes((PINGREQ, 0))

_NO_PROPERTIES: Final = b"\0"
_LEVEL_5, _LEVEL_3_1_1 = b"\5", b"\4"
_CLEAN_START, _WILL, _WILL_QOS_1, _WILL_RETAIN, _PASSWORD, _USERNAME = 0x02, 0x04, 0x08, 0x20, 0x40, 0x80
_RETAINED_ONCE: Final = 0x10
"""Retained messages are wanted when the subscription is new, not after each reconnect (MQTT 5, 3.8.3.1)."""
_ANSWER_BYTES: Final = 2
_RESERVED: Final = 0x02
"""The flags of SUBSCRIBE and UNSUBSCRIBE."""


def connect_packet(login: Login, *, version_5: bool) -> bytes:
    """Write a CONNECT.

    Raises:
        ValueError: A part of it is longer than MQTT has room for.
    """
    session = {SESSION_EXPIRY_INTERVAL: login.session_expiry_seconds, RECEIVE_MAXIMUM: login.receive_maximum}
    body = [
        write_string(b"MQTT"),
        _LEVEL_5 if version_5 else _LEVEL_3_1_1,
        bytes((_connect_flags(login),)),
        login.keepalive_seconds.to_bytes(2),
        write_properties(session) if version_5 else b"",
        write_string(login.client_id.encode()),
    ]
    if login.will:
        body += [
            _NO_PROPERTIES if version_5 else b"",
            write_string(login.will.topic.encode()),
            write_string(login.will.payload),
        ]
    body += [write_string(login.username.encode())] if login.username is not None else []
    body += [write_string(login.password)] if login.password is not None else []
    return _packet(CONNECT, b"".join(body))


def publish_packet(
    topic: bytes, payload: bytes, packet_id: int, *, retain: bool = False, properties: bytes = b""
) -> bytes:
    """Write a message.

    Args:
        topic: UTF-8, at most 65,535 bytes.
        payload: The message.
        packet_id: The number that its confirmation names; 0: a message at QoS 0, which has none.
        retain: Whether the broker keeps it for later subscribers.
        properties: The result of `publish_properties`; with MQTT 3.1.1, nothing.
    """
    head = len(topic).to_bytes(2) + topic + (packet_id.to_bytes(2) if packet_id else b"") + properties
    flags = PUBLISH | (QOS_1 if packet_id else 0) | retain
    return bytes((flags,)) + write_variable_integer(len(head) + len(payload)) + head + payload


def publish_packet_bytes(topic_bytes: int, payload_bytes: int, property_bytes: int) -> int:
    """Return the size of a message's packet at QoS 1."""
    body = 2 + topic_bytes + 2 + property_bytes + payload_bytes
    return 1 + len(write_variable_integer(body)) + body


def publish_properties(
    response_topic: str | None = None, correlation_data: bytes | None = None, headers: Headers | None = None
) -> bytes:
    """Write a message's properties, for MQTT 5."""
    if response_topic is None and correlation_data is None and headers is None:
        return _NO_PROPERTIES
    topic = None if response_topic is None else response_topic.encode()
    content_type, user_properties = headers or Headers()
    values = {
        CONTENT_TYPE: None if content_type is None else content_type.encode(),
        RESPONSE_TOPIC: topic,
        CORRELATION_DATA: correlation_data,
    }
    return write_properties(values, user_properties)


def acknowledgement_packet(packet_id: int) -> bytes:
    """Write a PUBACK that reports success."""
    return bytes((PUBACK, _ANSWER_BYTES)) + packet_id.to_bytes(2)


def subscribe_packet(packet_id: int, topic_filter: str, *, version_5: bool) -> bytes:
    """Write a SUBSCRIBE at QoS 1."""
    options = 1 | (_RETAINED_ONCE if version_5 else 0)
    body = packet_id.to_bytes(2) + (_NO_PROPERTIES if version_5 else b"") + write_string(topic_filter.encode())
    return _packet(SUBSCRIBE | _RESERVED, body + bytes((options,)))


def unsubscribe_packet(packet_id: int, topic_filter: str, *, version_5: bool) -> bytes:
    """Write an UNSUBSCRIBE."""
    body = packet_id.to_bytes(2) + (_NO_PROPERTIES if version_5 else b"") + write_string(topic_filter.encode())
    return _packet(UNSUBSCRIBE | _RESERVED, body)


def disconnect_packet(code: int = 0, *, version_5: bool) -> bytes:
    """Write a DISCONNECT, with a reason code where MQTT 5 has one."""
    return bytes((DISCONNECT, 1, code)) if version_5 and code else bytes((DISCONNECT, 0))


def _connect_flags(login: Login) -> int:
    flags = _CLEAN_START if login.clean_start else 0
    if login.will:
        flags |= _WILL | (_WILL_QOS_1 if login.will.qos else 0) | (_WILL_RETAIN if login.will.retain else 0)
    flags |= _USERNAME if login.username is not None else 0
    return flags | (_PASSWORD if login.password is not None else 0)


def _packet(first_byte: int, body: bytes) -> bytes:
    return bytes((first_byte,)) + write_variable_integer(len(body)) + body
