"""Cutting the received bytes into packets."""

from collections.abc import Iterator

from stream.mqtt.packets import MOST_PACKET_BYTES, Packet
from stream.mqtt.properties import read_variable_integer


class Splitter:
    """Finds the packets in a stream of bytes."""

    def __init__(self) -> None:
        self._bytes = b""
        self._start = 0
        self._to_drop = 0
        """The bytes still to be dropped of a packet that is too large to be kept whole."""

    @property
    def buffered_bytes(self) -> int:
        """Number of bytes that are kept in memory."""
        return len(self._bytes)

    def feed(self, data: bytes) -> None:
        """Take in the bytes that were received next."""
        self._bytes = self._bytes[self._start :] + data
        self._start = 0

    def __iter__(self) -> Iterator[Packet]:
        """Yield the packets that are complete, a giant one cut short; the rest waits for more bytes.

        Raises:
            MalformedPacketError: The bytes are not MQTT.
        """
        while (packet := self._next()) is not None:
            yield packet

    def _next(self) -> Packet | None:
        start = self._start
        header = read_variable_integer(self._bytes, start + 1)
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
        """Drop `excess` bytes of a giant packet, from `start` on; returns whether all of them have been received."""
        left = self._to_drop or excess
        here = min(left, max(0, len(self._bytes) - start))
        self._bytes = self._bytes[:start] + self._bytes[start + here :]
        self._to_drop = left - here
        return not self._to_drop
