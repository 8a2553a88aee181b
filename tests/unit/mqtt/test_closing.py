"""A connection's end."""

import asyncio
import socket
import struct

import pytest

from stream.mqtt import closing
from stream.mqtt.closing import lingering


async def _connection() -> tuple[socket.socket, asyncio.StreamReader, asyncio.StreamWriter]:
    """Our side as a socket, the other as streams."""
    accepted: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    server = await asyncio.start_server(lambda *streams: accepted.put_nowait(streams), "127.0.0.1", 0)
    ours = socket.create_connection(server.sockets[0].getsockname())
    theirs = await accepted.get()
    server.close()
    return ours, *theirs


async def test_the_last_words_are_read_though_something_had_come_that_we_had_not() -> None:
    ours, reader, writer = await _connection()
    writer.write(b"unread")
    await writer.drain()

    async def listen() -> bytes:
        heard = await reader.read()
        writer.close()
        return heard

    async with asyncio.TaskGroup() as tasks, lingering(ours):
        heard = tasks.create_task(listen())
        ours.send(b"last words")
        ours.close()
    assert heard.result() == b"last words"


async def test_whoever_does_not_hang_up_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closing, "_LONGEST_SECONDS", 0.05)
    ours, _, writer = await _connection()
    async with asyncio.timeout(5):
        async with lingering(ours):
            ours.close()
    writer.close()


async def test_a_connection_that_was_reset_is_not_waited_for() -> None:
    ours, _, writer = await _connection()
    no_waiting = struct.pack("ii", 1, 0)  # by which an end becomes a reset
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_waiting)
    writer.transport.abort()
    async with asyncio.timeout(closing._LONGEST_SECONDS / 2), lingering(ours):
        ours.close()
