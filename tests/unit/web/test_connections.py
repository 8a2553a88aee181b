"""The limit on connections, with a server that has room for few."""

import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
import trustme
from aiohttp import web

from stream.settings import Settings
from stream.telemetry.health import Health
from stream.telemetry.metrics import Metrics
from stream.web import connections, server
from stream.web.server import serve_http
from tests.unit.waiting import until

LIMIT = 4
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_MOST_CONNECTIONS", LIMIT)
    monkeypatch.setattr(connections, "_SWEEP_SECONDS", 0.01)
    for limit in ("_FIRST_REQUEST_SECONDS", "_RESPONSE_SECONDS", "IDLE_SECONDS"):
        monkeypatch.setattr(connections, limit, 3600.0)


class Client:
    """Raw connections to a server, closed at the end."""

    def __init__(self, address: str) -> None:
        self._port = int(address.rpartition(":")[2])
        self._stack = AsyncExitStack()

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._stack.callback(writer.close)
        return reader, writer

    async def close(self) -> None:
        await self._stack.aclose()

    def accepted(self) -> int:
        """Number of sockets that the server has accepted; a client's own have another local port."""
        sockets = psutil.Process().net_connections("tcp")
        return sum(found.laddr.port == self._port and found.status != psutil.CONN_LISTEN for found in sockets)


@asynccontextmanager
async def serving(pages: Any = (), **http: Any) -> AsyncIterator[Client]:
    settings = Settings(node="test", http={"port": 0, **http})
    async with serve_http(settings, Metrics(), Health(60), pages) as address:
        client = Client(address)
        yield client
    await client.close()


@pytest.fixture
def certificate(tmp_path: Path) -> dict[str, Any]:
    certificate = trustme.CA().issue_cert("localhost")
    certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    return {"certificate_file": tmp_path / "both.pem", "key_file": tmp_path / "both.pem"}


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes = REQUEST) -> bytes:
    writer.write(request)
    return await reader.readline()


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS handshake that never begins"])
async def test_more_connections_than_the_limit_are_never_open(tls: bool, certificate: dict[str, Any]) -> None:  # noqa: FBT001
    async with serving(**(certificate if tls else {})) as client:
        most = 0
        for _ in range(10 * LIMIT):
            await client.connect()
            most = max(most, client.accepted())
        await until(lambda: client.accepted() == LIMIT)
    assert LIMIT <= most <= LIMIT + 1


async def test_a_new_connection_is_served_and_replaces_the_one_that_was_idle_longest() -> None:
    async with serving() as client:
        first, second, *_ = [await client.connect() for _ in range(LIMIT)]
        assert await answer(*first) == b"HTTP/1.1 200 OK\r\n"
        assert await answer(*await client.connect()) == b"HTTP/1.1 200 OK\r\n"
        assert await second[0].read() == b""
        assert await answer(*first) != b""


async def test_a_connection_whose_request_is_being_answered_is_not_replaced() -> None:
    go = asyncio.Event()
    began = asyncio.Event()

    async def slow(_: web.Request) -> web.Response:
        began.set()
        await go.wait()
        return web.Response()

    async with serving([web.get("/slow", slow)]) as client:
        busy = await client.connect()
        busy[1].write(REQUEST.replace(b"/healthz", b"/slow"))
        await began.wait()
        for _ in range(3 * LIMIT):
            assert await answer(*await client.connect()) == b"HTTP/1.1 200 OK\r\n"
        go.set()
        assert await busy[0].readline() == b"HTTP/1.1 200 OK\r\n"


SLOW = {
    "nothing at all": ("_FIRST_REQUEST_SECONDS", b""),
    "a request that never ends": ("_FIRST_REQUEST_SECONDS", REQUEST[:-2]),
    "nothing after a response": ("IDLE_SECONDS", REQUEST),
    "a second request that never ends": ("IDLE_SECONDS", REQUEST + REQUEST[:-2]),
}


@pytest.mark.parametrize(("limit", "sent"), SLOW.values(), ids=SLOW)
async def test_a_connection_that_takes_too_long_is_closed(
    monkeypatch: pytest.MonkeyPatch, limit: str, sent: bytes
) -> None:
    monkeypatch.setattr(connections, limit, 0.05)
    async with serving() as client:
        reader, writer = await client.connect()
        writer.write(sent)
        await reader.read()  # ends when the server closes


async def test_a_response_that_takes_too_long_ends_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_RESPONSE_SECONDS", 0.05)

    async def endless(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    async with serving([web.get("/endless", endless)]) as client:
        reader, writer = await client.connect()
        writer.write(REQUEST.replace(b"/healthz", b"/endless"))
        assert await reader.read() == b""


async def test_a_reader_that_does_not_read_its_response_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "IDLE_SECONDS", 0.05)

    async def large(_: web.Request) -> web.Response:
        return web.Response(body=bytes(50_000_000))

    async with serving([web.get("/large", large)]) as client:
        reader, writer = await client.connect()
        writer.write(REQUEST.replace(b"/healthz", b"/large"))
        await until(lambda: client.accepted() == 0)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await reader.readexactly(50_000_000)


async def test_without_descriptors_the_server_makes_room_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_RETRY_SECONDS", 0.01)
    async with serving() as client:
        idle, _ = await client.connect()
        await until(lambda: client.accepted() == 1)
        loop = asyncio.get_running_loop()
        accept = loop.sock_accept

        async def out_of_descriptors(_: socket.socket) -> Any:
            monkeypatch.setattr(loop, "sock_accept", accept)
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

        monkeypatch.setattr(loop, "sock_accept", out_of_descriptors)
        assert await answer(*await client.connect()) == b"HTTP/1.1 200 OK\r\n"
        assert await answer(*await client.connect()) == b"HTTP/1.1 200 OK\r\n"
        assert await idle.read() == b""


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS handshake that never begins"])
async def test_the_end_closes_every_connection(tls: bool, certificate: dict[str, Any]) -> None:  # noqa: FBT001
    async with serving(**(certificate if tls else {})) as client:
        readers = [await client.connect() for _ in range(LIMIT - 1)]
        if not tls:
            await answer(*readers[0])
        await until(lambda: client.accepted() == len(readers))
    assert client.accepted() == 0


async def test_a_failed_tls_handshake_leaves_nothing_open(certificate: dict[str, Any]) -> None:
    async with serving(**certificate) as client:
        reader, writer = await client.connect()
        writer.write(REQUEST)
        await reader.read()
        await until(lambda: client.accepted() == 0)


async def test_too_many_requests_at_once_are_refused_and_the_health_pages_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "_MOST_CONNECTIONS", 64)
    go = asyncio.Event()
    entered = 0

    async def slow(_: web.Request) -> web.Response:
        nonlocal entered
        entered += 1
        await go.wait()
        return web.Response()

    settings = Settings(node="test", http={"port": 0})
    async with (
        serve_http(settings, Metrics(), Health(60), [web.get("/slow", slow)]) as address,
        aiohttp.ClientSession(address) as session,
    ):

        async def status(path: str) -> int:
            async with session.get(path) as found:
                return found.status

        requests = [asyncio.create_task(status("/slow")) for _ in range(8)]
        await until(lambda: entered == len(requests))
        assert [await status(path) for path in ("/slow", "/metrics", "/healthz", "/readyz")] == [503, 503, 200, 503]
        go.set()
        assert await asyncio.gather(*requests) == [200] * 8
        assert await status("/metrics") == 200


@pytest.mark.parametrize("accept", ["text/plain;version=one", "application/openmetrics-text;version=1.x"])
async def test_an_accept_header_that_cannot_be_read_is_refused_and_not_logged(
    accept: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        serve_http(Settings(node="test", http={"port": 0}), Metrics(), Health(60)) as address,
        aiohttp.ClientSession(address) as session,
        session.get("/metrics", headers={"Accept": accept}) as found,
    ):
        assert found.status == 406
    assert not caplog.records
