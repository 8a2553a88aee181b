"""The MQTT packets that tweets and labels travel in, PUBLISH and PUBACK (MQTT 5 and 3.1.1, 3.3 and 3.4), as bytes.

Reading is strict about what would get us lost in the stream, and deaf to all else that a sender of tweets may put into
a packet: of hundreds of megabytes so much is kept as any setting lets us read, of properties those of a request.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from stream.settings import MOST_PAYLOAD_BYTES

PUBLISH = 0x30
PUBACK = 0x40
TYPE_BITS = 0xF0
"""Of a packet's first byte; the others are flags."""

MOST_PACKET_BYTES = MOST_PAYLOAD_BYTES + 131_072
"""What is kept of a packet: a topic, properties, and more of the payload than any setting lets us read."""
_MOST_PROPERTY_BYTES = 2048
"""Enough for a response topic, correlation data and tracing; of longer properties none is read."""

_RETAIN, _QOS_1, _DUPLICATE = 0x01, 0x02, 0x08
_CONTINUES = 0x80
"""Of a variable byte integer (MQTT 5, 1.5.5): another byte follows."""
_LONGEST_LENGTH = 4

_IDENTIFIER_BYTES = 2

_RESPONSE_TOPIC, _CORRELATION_DATA = 0x08, 0x09
_STRINGS = {0x03: 1, _RESPONSE_TOPIC: 1, _CORRELATION_DATA: 1, 0x26: 2}
"""How many strings make up a property of a message (MQTT 5, 2.2.2.2)."""
_FIXED_BYTES = {0x01: 1, 0x02: 4, 0x23: 2}
"""How many bytes make up one of another kind."""


class MalformedPacketError(Exception):
    """What came is no MQTT."""


class Packet(NamedTuple):
    """One packet as it came."""

    raw: bytes
    body: int
    """Where in `raw` the fixed header ends."""


@dataclass(frozen=True, slots=True)
class Message:
    """An application message that was received."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    duplicate: bool = False
    """Whether the broker has sent it before."""
    packet_id: int = 0
    """What its acknowledgement names; 0 with QoS 0, which has none."""
    response_topic: str | None = None
    correlation_data: bytes | None = None


class Splitter:
    """Finds the packets in a stream of bytes."""

    def __init__(self) -> None:
        self._bytes = b""
        self._start = 0
        self._to_drop = 0
        """How much of the packet that is being received is too much of it."""

    def feed(self, data: bytes) -> None:
        """Take in what was received next."""
        self._bytes = self._bytes[self._start :] + data
        self._start = 0

    def __iter__(self) -> Iterator[Packet]:
        """Yield the packets that are complete, a giant one cut short; what follows the last of them waits for more.

        Raises:
            MalformedPacketError: A length is none.
        """
        while (packet := self._next()) is not None:
            yield packet

    def _next(self) -> Packet | None:
        start = self._start
        header = _variable_integer(self._bytes, start + 1)
        if header is None:
            return None
        length, body = header
        end = body + min(length, MOST_PACKET_BYTES)
        if length > MOST_PACKET_BYTES and not self._drop(end, length - MOST_PACKET_BYTES):
            return None
        if len(self._bytes) < end:
            return None
        self._start = end
        return Packet(self._bytes[start:end], body - start)

    def _drop(self, start: int, excess: int) -> bool:
        """Forget `excess` bytes of a giant packet, from `start` on; returns whether all of them have come."""
        left = self._to_drop or excess
        here = min(left, max(0, len(self._bytes) - start))
        self._bytes = self._bytes[:start] + self._bytes[start + here :]
        self._to_drop = left - here
        return not self._to_drop


def read_publish(packet: Packet, *, version_5: bool) -> Message:
    """Read an application message.

    Raises:
        MalformedPacketError: The packet ends too early, or its topic is not UTF-8.
    """
    raw, flags = packet.raw, packet.raw[0]
    try:
        topic, position = _string(raw, packet.body)
        qos = flags >> 1 & 0b11
        packet_id = int.from_bytes(raw[position : position + 2]) if qos else 0
        position += 2 if qos else 0
        properties, position = _properties(raw, position) if version_5 else ({}, position)
        return Message(
            topic=topic.decode(),
            payload=raw[position:],
            qos=qos,
            retain=bool(flags & _RETAIN),
            duplicate=bool(flags & _DUPLICATE),
            packet_id=packet_id,
            response_topic=_text(properties.get(_RESPONSE_TOPIC)),
            correlation_data=properties.get(_CORRELATION_DATA),
        )
    except (ValueError, EOFError) as error:
        raise MalformedPacketError("a message came that is no MQTT") from error


def read_confirmation(packet: Packet) -> tuple[int, int]:
    """Read a PUBACK: the identifier of the packet that it confirms, and the reason code, 0 for success."""
    body = packet.raw[packet.body :]
    if len(body) < _IDENTIFIER_BYTES:
        raise MalformedPacketError("a confirmation came that is no MQTT")
    return int.from_bytes(body[:_IDENTIFIER_BYTES]), body[_IDENTIFIER_BYTES] if len(body) > _IDENTIFIER_BYTES else 0


def publish_packet(
    topic: bytes, payload: bytes, packet_id: int, *, retain: bool = False, properties: bytes = b""
) -> bytes:
    """Write a message at QoS 1.

    Args:
        topic: UTF-8, at most 65,535 bytes.
        payload: The message.
        packet_id: By which its confirmation names it.
        retain: Whether the broker keeps it for those who subscribe later.
        properties: What `publish_properties` wrote; with MQTT 3.1.1, nothing.
    """
    head = len(topic).to_bytes(2) + topic + packet_id.to_bytes(2) + properties
    return bytes([PUBLISH | _QOS_1 | retain]) + _length(len(head) + len(payload)) + head + payload


def publish_properties(response_topic: str | None = None, correlation_data: bytes | None = None) -> bytes:
    """Write a message's properties, for MQTT 5."""
    values = {
        _RESPONSE_TOPIC: None if response_topic is None else response_topic.encode(),
        _CORRELATION_DATA: correlation_data,
    }
    section = b"".join(
        bytes([kind]) + len(value).to_bytes(2) + value for kind, value in values.items() if value is not None
    )
    return _length(len(section)) + section


def acknowledgement_packet(packet_id: int) -> bytes:
    """Write a PUBACK that says success."""
    return bytes([PUBACK, _IDENTIFIER_BYTES]) + packet_id.to_bytes(2)


def _properties(raw: bytes, start: int) -> tuple[dict[int, bytes], int]:
    """Read the strings among a message's properties, and where its payload starts."""
    if raw[start : start + 1] == b"\0":
        return {}, start + 1
    header = _variable_integer(raw, start)
    if header is None:
        raise EOFError
    length, first = header
    section = raw[first : first + length]
    return _strings(section) if length <= _MOST_PROPERTY_BYTES else {}, first + length


def _strings(section: bytes) -> dict[int, bytes]:
    """Read as far as the properties are such as belong to a message, the first of each kind."""
    found: dict[int, bytes] = {}
    position = 0
    try:
        while position < len(section):
            kind = section[position]
            position += 1
            if kind in _FIXED_BYTES:
                position += _FIXED_BYTES[kind]
                continue
            for _ in range(_STRINGS[kind]):
                value, position = _string(section, position)
                found.setdefault(kind, value)
    except (KeyError, EOFError):
        pass
    return found


def _string(raw: bytes, start: int) -> tuple[bytes, int]:
    """Read bytes that stand behind their length, and where they end."""
    first = start + 2
    end = first + int.from_bytes(raw[start:first])
    if end > len(raw) or first > len(raw):
        raise EOFError
    return raw[first:end], end


def _text(value: bytes | None) -> str | None:
    """Decode UTF-8; of what is none, and of nothing, nothing."""
    with suppress(UnicodeDecodeError):
        return value.decode() if value else None
    return None


def _variable_integer(raw: bytes, start: int) -> tuple[int, int] | None:
    """Read a variable byte integer (MQTT 5, 1.5.5), and where it ends; None where more of it is to come."""
    value = 0
    for place in range(_LONGEST_LENGTH):
        position = start + place
        if position >= len(raw):
            return None
        value |= (raw[position] & ~_CONTINUES) << 7 * place
        if not raw[position] & _CONTINUES:
            return value, position + 1
    raise MalformedPacketError("the broker sends something other than MQTT")


def _length(value: int) -> bytes:
    """Write a variable byte integer."""
    written = bytearray()
    while value >= _CONTINUES:
        written.append(value & ~_CONTINUES & 0xFF | _CONTINUES)
        value >>= 7
    written.append(value)
    return bytes(written)
