"""Numbers, strings and properties as MQTT encodes them (MQTT 5, 1.5 and 2.2.2)."""

from collections.abc import Iterable, Mapping
from enum import Enum, auto
from typing import Final

from stream.mqtt.packets import MalformedPacketError

_CONTINUES: Final = 0x80
"""The bit of a variable byte integer that announces another byte."""
_MOST_LENGTH_BYTES: Final = 4
_COUNT_BYTES: Final = 2
"""The bytes of a string's length."""

SESSION_EXPIRY_INTERVAL: Final = 0x11
SERVER_KEEP_ALIVE: Final = 0x13
CONTENT_TYPE: Final = 0x03
RESPONSE_TOPIC: Final = 0x08
CORRELATION_DATA: Final = 0x09
REASON_STRING: Final = 0x1F
USER_PROPERTY: Final = 0x26
RECEIVE_MAXIMUM: Final = 0x21
MAXIMUM_QOS: Final = 0x24
RETAIN_AVAILABLE: Final = 0x25
MAXIMUM_PACKET_SIZE: Final = 0x27
WILDCARD_SUBSCRIPTION_AVAILABLE: Final = 0x28
SHARED_SUBSCRIPTION_AVAILABLE: Final = 0x2A

Value = int | bytes
"""A number, or the bytes of a string or of binary data."""


class _Kind(Enum):
    BYTE = auto()
    TWO_BYTES = auto()
    FOUR_BYTES = auto()
    VARIABLE = auto()
    STRING = auto()
    PAIR = auto()


_WIDTHS: Final = {_Kind.BYTE: 1, _Kind.TWO_BYTES: 2, _Kind.FOUR_BYTES: 4}
_KINDS: Final = (
    dict.fromkeys((0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2A), _Kind.BYTE)
    | dict.fromkeys((0x13, 0x21, 0x22, 0x23), _Kind.TWO_BYTES)
    | dict.fromkeys((0x02, 0x11, 0x18, 0x27), _Kind.FOUR_BYTES)
    | dict.fromkeys((0x0B,), _Kind.VARIABLE)
    | dict.fromkeys((0x03, 0x08, 0x09, 0x12, 0x15, 0x16, 0x1A, 0x1C, 0x1F), _Kind.STRING)
    | dict.fromkeys((0x26,), _Kind.PAIR)
)
"""All properties of MQTT 5 (table 2-4)."""


def read_variable_integer(raw: bytes, start: int) -> tuple[int, int] | None:
    """Read a variable byte integer (MQTT 5, 1.5.5).

    Returns:
        The number and the position after it; None where more of its bytes are to come.

    Raises:
        MalformedPacketError: It has more than four bytes.
    """
    value = 0
    for place in range(_MOST_LENGTH_BYTES):
        position = start + place
        if position >= len(raw):
            return None
        value |= (raw[position] & ~_CONTINUES) << 7 * place
        if not raw[position] & _CONTINUES:
            return value, position + 1
    raise MalformedPacketError("the broker sends something other than MQTT")


def write_variable_integer(value: int) -> bytes:
    """Write a variable byte integer."""
    if value < _CONTINUES:
        return bytes((value,))
    written = bytearray()
    while value >= _CONTINUES:
        written.append(value & ~_CONTINUES & 0xFF | _CONTINUES)
        value >>= 7
    written.append(value)
    return bytes(written)


def read_string(raw: bytes, start: int) -> tuple[bytes, int]:
    """Read bytes that follow their length of two bytes; returns them and the position after them.

    Raises:
        EOFError: The packet ends before them.
    """
    first = start + _COUNT_BYTES
    end = first + int.from_bytes(raw[start:first])
    if end > len(raw) or first > len(raw):
        raise EOFError
    return raw[first:end], end


def write_string(value: bytes) -> bytes:
    """Write bytes after their length of two bytes.

    Raises:
        ValueError: There are more than 65,535 of them.
    """
    try:
        return len(value).to_bytes(_COUNT_BYTES) + value
    except OverflowError:
        raise ValueError(f"MQTT has no room for {len(value)} bytes: 65,535 is the most") from None


def read_properties(raw: bytes, start: int) -> tuple[dict[int, Value], int]:
    """Read the properties of a packet, the first of each kind, without the user properties.

    Returns:
        The values by property identifier, and the position after them; none where the packet ends before them.

    Raises:
        MalformedPacketError: A property is unknown or cut off.
    """
    if start >= len(raw):
        return {}, start
    header = read_variable_integer(raw, start)
    if header is None or sum(header) > len(raw):
        raise MalformedPacketError("the broker sent a packet whose properties end too early")
    length, position = header
    end = position + length
    section = raw[:end]
    found: dict[int, Value] = {}
    try:
        while position < end:
            kind = _KINDS[section[position]]
            value, after = _read_value(section, position + 1, kind)
            if kind is not _Kind.PAIR:
                found.setdefault(section[position], value)
            position = after
    except (KeyError, EOFError) as error:
        raise MalformedPacketError("the broker sent a packet with a property that MQTT 5 does not know") from error
    return found, end


def write_properties(values: Mapping[int, Value | None], user_properties: Iterable[tuple[str, str]] = ()) -> bytes:
    """Write properties after their length; those that are None are left out."""
    section = b"".join(_property(number, value) for number, value in values.items() if value is not None)
    section += b"".join(
        bytes((USER_PROPERTY,)) + write_string(name.encode()) + write_string(value.encode())
        for name, value in user_properties
    )
    return write_variable_integer(len(section)) + section


def _property(number: int, value: Value) -> bytes:
    if isinstance(value, bytes):
        return bytes((number,)) + write_string(value)
    return bytes((number,)) + value.to_bytes(_WIDTHS[_KINDS[number]])


def _read_value(raw: bytes, start: int, kind: _Kind) -> tuple[Value, int]:
    if kind in _WIDTHS:
        end = start + _WIDTHS[kind]
        if end > len(raw):
            raise EOFError
        return int.from_bytes(raw[start:end]), end
    if kind is _Kind.VARIABLE:
        number = read_variable_integer(raw, start)
        if number is None:
            raise EOFError
        return number
    value, end = read_string(raw, start)
    return read_string(raw, end) if kind is _Kind.PAIR else (value, end)
