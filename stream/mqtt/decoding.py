"""Reading packets (MQTT 5 and 3.1.1, section 3).

Strict about everything that would lose the place in the stream, lenient about what a sender of tweets may put into a
message: of hundreds of megabytes the part is kept that any setting lets us read, of properties those of a request, the
content type and the user properties.
"""

from contextlib import suppress

from stream.mqtt.packets import (
    DUPLICATE,
    MOST_PACKET_ID,
    RETAIN,
    BrokerLimits,
    ConnectAnswer,
    Disconnection,
    Headers,
    MalformedPacketError,
    Message,
    Packet,
)
from stream.mqtt.properties import (
    CONTENT_TYPE,
    CORRELATION_DATA,
    MAXIMUM_PACKET_SIZE,
    MAXIMUM_QOS,
    REASON_STRING,
    RECEIVE_MAXIMUM,
    RESPONSE_TOPIC,
    RETAIN_AVAILABLE,
    SERVER_KEEP_ALIVE,
    SESSION_EXPIRY_INTERVAL,
    SHARED_SUBSCRIPTION_AVAILABLE,
    USER_PROPERTY,
    WILDCARD_SUBSCRIPTION_AVAILABLE,
    Value,
    read_properties,
    read_string,
    read_variable_integer,
)
from stream.mqtt.reason_codes import Code

_MOST_PROPERTY_BYTES = 2048
"""Enough for a response topic, correlation data, tracing and an event's attributes; longer properties are not read."""
_IDENTIFIER_BYTES = 2
_CONNACK_BYTES = 2
"""The length of a CONNACK's body before its properties, and of all of it in MQTT 3.1.1."""
_STRINGS = frozenset((CONTENT_TYPE, RESPONSE_TOPIC, CORRELATION_DATA))
"""The properties of a message that are one string (MQTT 5, 2.2.2.2); a user property is two."""
_FIXED_BYTES = {0x01: 1, 0x02: 4, 0x23: 2}
"""The number of bytes in each property of a message of another kind."""
_MOST_REASON_CHARACTERS = 200


def read_publish(packet: Packet, *, version_5: bool) -> Message:
    """Read an application message.

    Raises:
        MalformedPacketError: The packet ends too early, its topic is not UTF-8, or it is of QoS 2.
    """
    raw, flags = packet.raw, packet.raw[0]
    try:
        topic, position = read_string(raw, packet.body)
        qos = flags >> 1 & 0b11
        packet_id = 0
        if qos:
            if qos > 1:
                raise MalformedPacketError("the broker sent a message at QoS 2, though only QoS 1 was asked for")
            packet_id = int.from_bytes(raw[position : position + _IDENTIFIER_BYTES])
            position += _IDENTIFIER_BYTES
        retain, duplicate = bool(flags & RETAIN), bool(flags & DUPLICATE)
        if not version_5:
            return Message(topic.decode(), raw[position:], qos, retain, duplicate, packet_id)
        if raw[position : position + 1] == b"\0":  # no properties, the most frequent case
            return Message(topic.decode(), raw[position + 1 :], qos, retain, duplicate, packet_id)
        found, pairs, position = _message_properties(raw, position)
        response_topic, correlation_data = _text(found.get(RESPONSE_TOPIC)), found.get(CORRELATION_DATA)
        headers = None
        if pairs or CONTENT_TYPE in found:
            headers = Headers(_text(found.get(CONTENT_TYPE)), _user_properties(pairs))
        return Message(
            topic.decode(),
            raw[position:],
            qos,
            retain,
            duplicate,
            packet_id,
            response_topic,
            correlation_data,
            headers,
        )
    except (ValueError, EOFError) as error:
        raise MalformedPacketError("the broker sent a message that is not MQTT") from error


def read_publish_answer(packet: Packet) -> tuple[int, int]:
    """Read a PUBACK: the identifier of the packet that it confirms, and the reason code, 0 for success."""
    identifier, position = _identifier(packet)
    return identifier, packet.raw[position] if len(packet.raw) > position else 0


def read_subscribe_answer(packet: Packet, *, version_5: bool) -> tuple[int, bytes]:
    """Read a SUBACK or UNSUBACK: the identifier of the packet that it answers, and a code for each topic filter."""
    identifier, position = _identifier(packet)
    if version_5:
        _, position = read_properties(packet.raw, position)
    return identifier, packet.raw[position:]


def read_connect_answer(packet: Packet, *, version_5: bool) -> ConnectAnswer:
    """Read a CONNACK; one without properties answers in MQTT 3.1.1, whatever was asked.

    Raises:
        MalformedPacketError: It is not a CONNACK of either version.
    """
    raw, body = packet.raw, packet.body
    if len(raw) < body + _CONNACK_BYTES:
        raise MalformedPacketError("the broker's answer to the connection is not MQTT")
    session_present, code = bool(raw[body] & 1), raw[body + 1]
    if not version_5:
        return ConnectAnswer(session_present, code)
    if len(raw) == body + _CONNACK_BYTES:
        return ConnectAnswer(session_present, _translated(code))
    found, _ = read_properties(raw, body + _CONNACK_BYTES)
    return ConnectAnswer(session_present, code, _limits(found), _reason_text(found))


def read_disconnection(packet: Packet) -> Disconnection:
    """Read a DISCONNECT from the broker (MQTT 5, 3.14)."""
    raw, body = packet.raw, packet.body
    if len(raw) <= body:
        return Disconnection(Code.SUCCESS)
    found, _ = read_properties(raw, body + 1)
    return Disconnection(raw[body], _reason_text(found))


def _translated(return_code: int) -> int:
    """Translate a return code of MQTT 3.1.1 that answers a connection of MQTT 5; any other code stays."""
    return {1: Code.UNSUPPORTED_PROTOCOL_VERSION, 4: 0x86, 5: Code.NOT_AUTHORIZED, 2: 0x85, 3: 0x88}.get(
        return_code, return_code
    )


def _limits(found: dict[int, Value]) -> BrokerLimits:
    def number(kind: int) -> int | None:
        value = found.get(kind)
        return value if isinstance(value, int) else None

    maximum_qos = number(MAXIMUM_QOS)
    return BrokerLimits(
        receive_maximum=number(RECEIVE_MAXIMUM) or MOST_PACKET_ID,
        maximum_qos=2 if maximum_qos is None else maximum_qos,
        retain_available=number(RETAIN_AVAILABLE) != 0,
        maximum_packet_bytes=number(MAXIMUM_PACKET_SIZE) or None,
        keepalive_seconds=number(SERVER_KEEP_ALIVE),
        session_expiry_seconds=number(SESSION_EXPIRY_INTERVAL),
        wildcards_available=number(WILDCARD_SUBSCRIPTION_AVAILABLE) != 0,
        shared_subscriptions_available=number(SHARED_SUBSCRIPTION_AVAILABLE) != 0,
    )


def _reason_text(found: dict[int, Value]) -> str:
    """Return the broker's own explanation as one printable line."""
    value = found.get(REASON_STRING)
    text = value.decode(errors="replace") if isinstance(value, bytes) else ""
    return "".join(character for character in text if character.isprintable())[:_MOST_REASON_CHARACTERS]


def _identifier(packet: Packet) -> tuple[int, int]:
    end = packet.body + _IDENTIFIER_BYTES
    if len(packet.raw) < end:
        raise MalformedPacketError("the broker sent an answer without the number of what it answers")
    return int.from_bytes(packet.raw[packet.body : end]), end


def _message_properties(raw: bytes, start: int) -> tuple[dict[int, bytes], list[tuple[bytes, bytes]], int]:
    """Read a message's strings and user properties, and the position at which its payload starts."""
    header = read_variable_integer(raw, start)
    if header is None:
        raise EOFError
    length, first = header
    section = raw[first : first + length]
    found, pairs = _strings(section) if length <= _MOST_PROPERTY_BYTES else ({}, [])
    return found, pairs, first + length


def _strings(section: bytes) -> tuple[dict[int, bytes], list[tuple[bytes, bytes]]]:
    """Read up to the first property that no message can have: the first string of each kind, all user properties."""
    found: dict[int, bytes] = {}
    pairs: list[tuple[bytes, bytes]] = []
    position = 0
    try:
        while position < len(section):
            kind = section[position]
            position += 1
            if kind in _FIXED_BYTES:
                position += _FIXED_BYTES[kind]
            elif kind in _STRINGS:
                value, position = read_string(section, position)
                found.setdefault(kind, value)
            elif kind == USER_PROPERTY:
                name, position = read_string(section, position)
                value, position = read_string(section, position)
                pairs.append((name, value))
            else:
                break
    except EOFError:
        pass
    return found, pairs


def _user_properties(pairs: list[tuple[bytes, bytes]]) -> tuple[tuple[str, str], ...]:
    """Decode user properties; those that are not UTF-8 are left out."""
    read = []
    for name, value in pairs:
        with suppress(UnicodeDecodeError):
            read.append((name.decode(), value.decode()))
    return tuple(read)


def _text(value: bytes | None) -> str | None:
    """Decode UTF-8; None where it is not UTF-8, or empty."""
    with suppress(UnicodeDecodeError):
        return value.decode() if value else None
    return None
