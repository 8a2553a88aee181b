"""The transport's side of a connection: received bytes become packets, sent packets become few writes."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import cast

from stream.mqtt.packets import Packet
from stream.mqtt.splitter import Splitter

_BUFFER_BYTES = 65_536


class PacketStream(asyncio.BufferedProtocol):
    """Reads and writes the packets of one transport.

    Args:
        on_packet: Called with each packet that is received.
        on_end: Called once, when nothing more is received: with the error that ended the stream, or None where the
            other side closed it.
        on_writable: Called with whether the network accepts more, each time that changes.
    """

    def __init__(
        self,
        on_packet: Callable[[Packet], None],
        on_end: Callable[[Exception | None], None],
        on_writable: Callable[[bool], None],
    ) -> None:
        self._on_packet = on_packet
        self._on_end = on_end
        self._on_writable = on_writable
        self._loop = asyncio.get_running_loop()
        self.transport: asyncio.Transport | None = None
        """The transport; None before the connection is made."""
        self._buffer = memoryview(bytearray(_BUFFER_BYTES))
        self.received = Splitter()
        """The received bytes whose packets were not handed out yet."""
        self._outgoing: list[bytes] = []
        self._outgoing_bytes = 0
        self._flush_is_due = False
        self._paused = False
        self._ended = False
        self._closed = asyncio.Event()
        self.received_at = self.sent_at = self._loop.time()
        """Times of the last bytes received and sent, by the event loop's clock."""

    @property
    def paused(self) -> bool:
        """True while reading is paused."""
        return self._paused

    def send(self, packet: bytes) -> None:
        """Send a packet, together with all others of this turn of the event loop."""
        self._outgoing.append(packet)
        self._outgoing_bytes += len(packet)
        if self._outgoing_bytes >= _BUFFER_BYTES:
            self._flush()  # so that the transport can say when it has enough
        elif not self._flush_is_due:
            self._flush_is_due = True
            self._loop.call_soon(self._flush_later)

    def pause(self) -> None:
        """Read nothing more, and hold back what was read already."""
        if not self._paused and not self._ended:
            self._paused = True
            if self.transport is not None:
                self.transport.pause_reading()

    def resume(self) -> None:
        """Read again, first what was held back."""
        if self._paused:
            self._paused = False
            self.received_at = self._loop.time()  # the silence was ours
            if self.transport is not None and not self._ended:
                self.transport.resume_reading()
            self._loop.call_soon(self._hand_out)

    async def close(self, last_packet: bytes, longest_seconds: float) -> None:
        """Send a last packet, and wait until the other side has ended the connection, at most so long.

        A socket that is closed while received bytes are unread in it resets the connection (RFC 1122, 4.2.2.13), and a
        reset may keep the other side from reading what was sent before. So everything received from now on is read and
        dropped until the other side hangs up.
        """
        transport = self.transport
        if transport is None or self._closed.is_set():
            return
        self.send(last_packet)
        self._flush()
        self._ended = True
        if self._paused:
            transport.resume_reading()
        if transport.can_write_eof():
            with suppress(OSError):  # the other side has hung up already
                transport.write_eof()
        try:
            async with asyncio.timeout(longest_seconds):
                await self._closed.wait()
        except TimeoutError:
            await self.abort()

    async def abort(self, last_packet: bytes = b"") -> None:
        """Close the socket at once, after a last packet if that takes no waiting."""
        self._ended = True
        if self.transport is not None:
            self._write_and_abort(self.transport, last_packet)
            await self._closed.wait()

    def end(self, error: Exception | None, last_packet: bytes = b"") -> None:
        """End the stream from this side, for an error: the connection is of no more use."""
        if not self._ended:
            self._ended = True
            if self.transport is not None:
                self._write_and_abort(self.transport, last_packet)
            self._on_end(error)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)
        self.received_at = self.sent_at = self._loop.time()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002  (asyncio's signature)
        """Offer the one buffer that everything is received into."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take in received bytes."""
        if self._ended:
            return
        self.received_at = self._loop.time()
        self.received.feed(bytes(self._buffer[:nbytes]))
        self._hand_out()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end."""
        self._closed.set()
        if not self._ended:
            self._ended = True
            self._on_end(exc)

    def pause_writing(self) -> None:
        """Pass on that the network accepts no more."""
        self._on_writable(False)  # noqa: FBT003  (a state, not an option)

    def resume_writing(self) -> None:
        """Pass on that the network accepts more."""
        self._on_writable(True)  # noqa: FBT003

    def _hand_out(self) -> None:
        """Give each packet to its taker, until reading is paused."""
        if self._paused or self._ended:
            return
        try:
            for packet in self.received:
                self._on_packet(packet)
                if self._paused or self._ended:
                    return
        except Exception as error:  # noqa: BLE001  (after any error the place in the stream is lost)
            self.end(error)

    def _flush_later(self) -> None:
        self._flush_is_due = False
        self._flush()

    def _flush(self) -> None:
        if self.transport is None or not self._outgoing:
            return
        data = self._outgoing[0] if len(self._outgoing) == 1 else b"".join(self._outgoing)
        self._outgoing.clear()
        self._outgoing_bytes = 0
        if not self.transport.is_closing():
            self.sent_at = self._loop.time()
            self.transport.write(data)

    def _write_and_abort(self, transport: asyncio.Transport, last_packet: bytes) -> None:
        if last_packet and not transport.is_closing():
            self._outgoing.append(last_packet)
            self._flush()
        transport.abort()
