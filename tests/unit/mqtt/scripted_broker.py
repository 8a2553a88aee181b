"""A broker that runs a test's script, packet by packet."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from socket import SO_LINGER, SOL_SOCKET
from typing import Any

from stream.mqtt.packets import CONNECT, PUBLISH, TYPE_BITS, Packet
from stream.mqtt.properties import write_variable_integer
from stream.mqtt.splitter import Splitter
from stream.settings import BrokerSettings

LONGER_THAN_THE_TEST_SECONDS = 3600


class Peer:
    """The broker's end of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._splitter = Splitter()

    async def packet(self) -> Packet | None:
        """Return the client's next packet; None at the end of the connection."""
        while True:
            for packet in self._splitter:
                return packet
            data = await self.reader.read(100_000)
            if not data:
                return None
            self._splitter.feed(data)

    async def expect(self, kind: int) -> Packet:
        """Return the client's next packet, which must be of this type."""
        packet = await self.packet()
        assert packet is not None, "the client ended the connection"
        assert packet.raw[0] & TYPE_BITS == kind, packet
        return packet

    def send(self, *packets: bytes) -> None:
        self.writer.write(b"".join(packets))

    async def accept(self, *, version_5: bool = True, properties: bytes = b"") -> None:
        """Accept the connection."""
        await self.expect(CONNECT)
        self.send(connack(version_5=version_5, properties=properties))

    def close(self) -> None:
        self.writer.close()

    def reset(self) -> None:
        self.writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Script = Callable[[Peer], Awaitable[object]]


@contextlib.asynccontextmanager
async def scripted_broker(script: Script, **broker: Any) -> AsyncIterator[BrokerSettings]:
    """Run a script for each connection, and yield the settings to connect to it."""
    scripts: list[asyncio.Task[None]] = []

    async def serve(peer: Peer) -> None:
        try:
            await script(peer)
        except ConnectionError:
            pass  # the client has reset the connection
        finally:
            peer.close()
            with contextlib.suppress(ConnectionError):
                await peer.writer.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        scripts.append(asyncio.create_task(serve(Peer(reader, writer)), name="scripted-broker"))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    options = {"host": "127.0.0.1", "port": port, "timeout_seconds": LONGER_THAN_THE_TEST_SECONDS} | broker
    try:
        yield BrokerSettings(**options)
    finally:
        server.close()
        await asyncio.gather(*scripts)


def packet(first_byte: int, body: bytes = b"") -> bytes:
    return bytes((first_byte,)) + write_variable_integer(len(body)) + body


def connack(code: int = 0, *, version_5: bool = True, session_present: bool = False, properties: bytes = b"") -> bytes:
    section = write_variable_integer(len(properties)) + properties if version_5 else b""
    return packet(0x20, bytes((session_present, code)) + section)


def suback(subscribe: Packet, code: int, *, version_5: bool = True) -> bytes:
    return packet(0x90, identifier(subscribe) + (b"\0" if version_5 else b"") + bytes((code,)))


def puback(publish: Packet, code: int | None = None) -> bytes:
    return packet(0x40, publish_identifier(publish) + (b"" if code is None else bytes((code,))))


def publish(topic: bytes, payload: bytes, packet_id: int = 1, *, version_5: bool = True) -> bytes:
    head = len(topic).to_bytes(2) + topic + packet_id.to_bytes(2) + (b"\0" if version_5 else b"")
    return packet(PUBLISH | 2, head + payload)


def disconnect(code: int, reason_text: str = "") -> bytes:
    text = reason_text.encode()
    section = b"\x1f" + len(text).to_bytes(2) + text if text else b""
    return packet(0xE0, bytes((code,)) + write_variable_integer(len(section)) + section)


def identifier(found: Packet) -> bytes:
    return found.raw[found.body : found.body + 2]


def publish_identifier(found: Packet) -> bytes:
    topic_end = found.body + 2 + int.from_bytes(found.raw[found.body : found.body + 2])
    return found.raw[topic_end : topic_end + 2]
