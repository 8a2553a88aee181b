"""A limit on HTTP connections, each of which needs a file descriptor of the process.

A burst of connections must not use up the descriptors, which the connection to the broker and files need too, and must
not keep Prometheus or a health check out. Connections are accepted one at a time, and each new one is served: beyond
the limit it replaces the one that was idle longest. A connection that sends its request or reads its response too
slowly is closed.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import cast

logger = logging.getLogger(__name__)

_BACKLOG = 1024
"""Connections that the kernel holds until they are accepted; they need no descriptor."""
_HANDSHAKE_SECONDS = 5.0
_FIRST_REQUEST_SECONDS = 10.0
"""Longest time from the connection to its first whole request."""
_RESPONSE_SECONDS = 30.0
IDLE_SECONDS = 75.0
"""Longest time from one response to the next whole request; more than the usual interval between scrapes."""
_SWEEP_SECONDS = 1.0
_RETRY_SECONDS = 0.1


class Connection(asyncio.Protocol):
    """An accepted connection: passes its events to aiohttp's protocol, and closes at a deadline.

    Args:
        accepted: The socket.
        protocol: The protocol that serves it.
    """

    def __init__(self, accepted: socket.socket, protocol: asyncio.Protocol) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = accepted
        self._protocol = protocol
        self._lost = asyncio.Event()
        self.transport: asyncio.Transport | None = None
        self.is_busy = False
        """Whether a request is being answered."""
        self.deadline = self._loop.time() + _FIRST_REQUEST_SECONDS

    async def serve(self, tls: ssl.SSLContext | None) -> None:
        """Serve until the connection is lost."""
        try:
            await self._loop.connect_accepted_socket(
                lambda: self, self._socket, ssl=tls, ssl_handshake_timeout=_HANDSHAKE_SECONDS if tls else None
            )
            await self._lost.wait()
        except OSError as error:  # a failed TLS handshake, or a connection that was lost meanwhile
            logger.debug("a connection was not established: %s", error)

    def release(self) -> None:
        """Close the socket of a connection that was not established; else its transport does so."""
        if self.transport is None:
            self._socket.close()

    def request_begins(self) -> None:
        """Set the deadline of a response."""
        self.is_busy, self.deadline = True, self._loop.time() + _RESPONSE_SECONDS

    def request_ends(self) -> None:
        """Set the deadline of the next request."""
        self.is_busy, self.deadline = False, self._loop.time() + IDLE_SECONDS

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Pass the event on."""
        self.transport = cast("asyncio.Transport", transport)
        self._protocol.connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Pass the event on, and end `serve`."""
        self._lost.set()
        self._protocol.connection_lost(error)

    def data_received(self, data: bytes) -> None:
        """Pass the event on."""
        self._protocol.data_received(data)

    def eof_received(self) -> bool | None:
        """Pass the event on."""
        return self._protocol.eof_received()

    def pause_writing(self) -> None:
        """Pass the event on."""
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        """Pass the event on."""
        self._protocol.resume_writing()


class Connections:
    """The open connections.

    Args:
        limit: Largest number of open connections.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: dict[Connection, asyncio.Task[None]] = {}
        """The task of each connection; the one whose last request is longest ago comes first."""

    @asynccontextmanager
    async def accepting(
        self, listeners: list[socket.socket], tls: ssl.SSLContext | None, make_protocol: Callable[[], asyncio.Protocol]
    ) -> AsyncIterator[None]:
        """Accept connections while the context lasts; `close` closes those that are open then.

        Args:
            listeners: Bound, non-blocking sockets.
            tls: Context for TLS; None: connections are not encrypted.
            make_protocol: Makes the protocol of a connection.
        """
        for listener in listeners:
            listener.listen(_BACKLOG)
        tasks = [asyncio.create_task(self._accept(listener, tls, make_protocol)) for listener in listeners]
        tasks.append(asyncio.create_task(self._abort_overdue()))
        try:
            yield
        finally:
            await _cancel(tasks)
            for listener in listeners:
                listener.close()

    async def close(self) -> None:
        """Abort all connections, and wait until their sockets are closed."""
        await asyncio.gather(*map(self._abort, list(self._open)))

    @contextmanager
    def request_on(self, transport: asyncio.BaseTransport | None) -> Iterator[None]:
        """Mark a transport's connection as busy while the context lasts."""
        connection = next((each for each in self._open if each.transport is transport), None)
        if connection is None:
            yield
            return
        connection.request_begins()
        try:
            yield
        finally:
            connection.request_ends()
            if connection in self._open:
                self._open[connection] = self._open.pop(connection)

    async def _accept(
        self, listener: socket.socket, tls: ssl.SSLContext | None, make_protocol: Callable[[], asyncio.Protocol]
    ) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, _ = await loop.sock_accept(listener)
            except OSError as error:  # the client has left already, or the process is out of descriptors
                logger.debug("a connection was not accepted: %s", error)
                await self._abort_one()
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            connection = Connection(accepted, make_protocol())
            task = asyncio.create_task(connection.serve(tls), name="http-connection")
            self._open[connection] = task
            task.add_done_callback(partial(self._forget, connection))
            while len(self._open) > self._limit:
                await self._abort_one()

    def _forget(self, connection: Connection, _: asyncio.Task[None]) -> None:
        del self._open[connection]
        connection.release()

    async def _abort_one(self) -> None:
        """Abort the connection that was idle longest."""
        idle = (connection for connection in self._open if not connection.is_busy)
        if (victim := next(idle, next(iter(self._open), None))) is not None:
            await self._abort(victim)

    async def _abort(self, connection: Connection) -> None:
        """Close a connection without sending what is still to be sent, and wait until its socket is closed."""
        task = self._open.get(connection)
        if task is None:  # it was closed meanwhile
            return
        if connection.transport is None:
            task.cancel()
        else:
            connection.transport.abort()
        await asyncio.wait([task])

    async def _abort_overdue(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            overdue = [connection for connection in self._open if connection.deadline < loop.time()]
            await asyncio.gather(*map(self._abort, overdue))


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task
