"""The socket, between the broker and paho.

paho reads a packet with five calls into the socket, writes each with one, and makes a dozen objects of it: more than a
twentieth of what a tweet costs. So messages and their confirmations, all but a handful of the packets, are read
and written here, many at once; what else the two have to say to each other goes through to paho as it is.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable
from typing import cast

from paho.mqtt.client import Client as PahoClient

from stream.mqtt.packets import PUBACK, PUBLISH, TYPE_BITS, Packet, Splitter

_READ_BYTES = 65_536
_CLOSED = -1
_NOTHING_NOW = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Wire:
    """Reads and writes a connection's packets.

    Args:
        paho: The client whose socket it is.
        take: Called with each message and each confirmation that is received.
        broken: Called with what went wrong; the connection is of no more use then.
    """

    def __init__(self, paho: PahoClient, take: Callable[[Packet], None], broken: Callable[[Exception], None]) -> None:
        self._paho = paho
        self._take = take
        self._broken = broken
        self._loop = asyncio.get_running_loop()
        self._received = Splitter()
        self._for_paho = bytearray()
        self._ended = False
        self._outgoing = bytearray()
        self._flush_is_due = False
        self._waits_for_room = False
        self._paused = False
        paho._sock_recv = self._receive_for_paho  # type: ignore[method-assign]  # noqa: SLF001
        paho._sock_send = self._send_for_paho  # type: ignore[method-assign]  # noqa: SLF001

    def opened(self, sock: socket.socket) -> bool:
        """Listen to a socket that paho has opened; returns whether it still is."""
        if sock.fileno() == _CLOSED:
            return False
        self._loop.add_reader(sock, self._read)
        return True

    def closing(self, sock: socket.socket) -> None:
        """Listen no more."""
        if sock.fileno() != _CLOSED:
            self._loop.remove_reader(sock)
            self._loop.remove_writer(sock)

    def pause(self) -> None:
        """Read nothing more, and hold back what is read already."""
        self._paused = True
        if (sock := self._socket()) is not None:
            self._loop.remove_reader(sock)

    def resume(self) -> None:
        """Read again."""
        if self._paused and (sock := self._socket()) is not None:
            self._loop.add_reader(sock, self._read)
            self._loop.call_soon(self._read)  # for what was held back, here or by TLS, which the socket does not show
        self._paused = False

    def send(self, packet: bytes) -> None:
        """Send a packet, together with all others of this turn of the event loop."""
        self._outgoing += packet
        if not self._flush_is_due:
            self._flush_is_due = True
            self._loop.call_soon(self._flush)

    def _socket(self) -> socket.socket | None:
        return cast("socket.socket | None", self._paho.socket())

    def _read(self) -> None:
        sock = self._socket()
        try:
            self._hand_out()
            while sock is not None and not self._paused and not self._ended:
                self._feed(sock)
                self._hand_out()
                if not (isinstance(sock, ssl.SSLSocket) and sock.pending()):
                    return
        except Exception as error:  # noqa: BLE001  (whatever it is, the stream of packets is lost)
            self._broken(error)

    def _feed(self, sock: socket.socket) -> None:
        try:
            data = sock.recv(_READ_BYTES)
        except _NOTHING_NOW:
            return
        self._received.feed(data)
        self._ended = not data
        # Or it would take a broker for dead whose answer to a ping stands behind thousands of messages.
        self._paho._last_bytes_received = time.monotonic()  # noqa: SLF001

    def _hand_out(self) -> None:
        """Give messages and confirmations to their taker, until it has had enough, and the rest to paho."""
        if self._paused:
            return
        for packet in self._received:
            if packet.raw[0] & TYPE_BITS in (PUBLISH, PUBACK):
                self._take(packet)
            else:
                self._for_paho += packet.raw
                self._paho.loop_read()
            if self._paused:
                return
        if self._ended:
            self._paho.loop_read()

    def _receive_for_paho(self, bufsize: int) -> bytes:
        """Stand in for a read from the socket; nothing means its end."""
        if not self._for_paho and not self._ended:
            raise BlockingIOError
        taken = bytes(self._for_paho[:bufsize])
        del self._for_paho[:bufsize]
        return taken

    def _send_for_paho(self, buf: bytes | bytearray) -> int:
        """Stand in for a write to the socket; at once, for after a farewell paho closes it."""
        self._outgoing += buf
        self._flush()
        return len(buf)

    def _flush(self) -> None:
        self._flush_is_due = False
        sock = self._socket()
        if sock is None or not self._outgoing:
            return
        try:
            del self._outgoing[: sock.send(self._outgoing)]
        except _NOTHING_NOW:
            pass
        except Exception as error:  # noqa: BLE001
            self._broken(error)
            return
        self._finish_later(sock)

    def _finish_later(self, sock: socket.socket) -> None:
        """Wait until the socket takes the rest, where there is one."""
        if self._outgoing:
            self._loop.add_writer(sock, self._flush)
            self._flush_is_due = self._waits_for_room = True
        elif self._waits_for_room:
            self._loop.remove_writer(sock)
            self._waits_for_room = False
