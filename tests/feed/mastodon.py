"""A local Mastodon server that speaks the streaming API: server-sent events and WebSocket.

Written from https://docs.joinmastodon.org/methods/streaming/.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from tests.feed.serving import serving

TOKEN = "a-users-token"  # noqa: S105  (of the local server)
STREAMS = {"public": "public", "public/local": "public:local", "hashtag": "hashtag", "hashtag/local": "hashtag:local"}


@dataclass
class Mastodon:
    """A server whose events are sent to the open streams only: there is no replay."""

    token: str | None = TOKEN
    """The token that it accepts; None: none is needed."""
    silent: bool = False
    """True to accept connections and send nothing, not even heartbeats."""
    streams: list[str] = field(default_factory=list)
    """The streams that were asked for, with their hashtags."""
    _open: list[asyncio.Queue[tuple[str, str] | None]] = field(default_factory=list)
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    def send(self, kind: str, payload: dict[str, Any] | str) -> None:
        """Send an event to all open streams."""
        text = payload if isinstance(payload, str) else orjson.dumps(payload).decode()
        for queue in self._open:
            queue.put_nowait((kind, text))

    def cut(self) -> None:
        """End all open streams."""
        for queue in self._open:
            queue.put_nowait(None)
        self.opened.clear()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Serve, and yield the address, `http://127.0.0.1:port`."""
        application = web.Application()
        application.add_routes(
            [
                web.get("/api/v2/instance", self._instance),
                web.get("/api/v1/streaming", self._websocket),
                web.get("/api/v1/streaming/{stream:.+}", self._events),
            ]
        )
        async with serving(application) as address:
            yield address

    async def _instance(self, request: web.Request) -> web.Response:
        return web.json_response({"configuration": {"urls": {"streaming": f"ws://{request.host}"}}})

    def _refused(self, request: web.Request) -> bool:
        return self.token is not None and request.headers.get("Authorization") != f"Bearer {self.token}"

    @contextlib.contextmanager
    def _queue(self, stream: str) -> Any:
        queue: asyncio.Queue[tuple[str, str] | None] = asyncio.Queue()
        self.streams.append(stream)
        self._open.append(queue)
        self.opened.set()
        try:
            yield queue
        finally:
            self._open.remove(queue)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if self._refused(request):
            return web.json_response({"error": "The access token is invalid"}, status=401)
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        with self._queue(f"{STREAMS[request.match_info['stream']]} {request.query.get('tag', '')}".strip()) as queue:
            if not self.silent:
                await answer.write(b":)\n:thump\n")
            while (event := await queue.get()) is not None:
                await answer.write(f"event: {event[0]}\ndata: {event[1]}\n\n".encode())
        return answer

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        if self._refused(request):
            return web.json_response({"error": "The access token is invalid"}, status=401)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        stream = request.query["stream"]
        with self._queue(f"{stream} {request.query.get('tag', '')}".strip()) as queue:
            if not self.silent:
                await socket.ping()
            reading = asyncio.create_task(_end_with(socket, queue), name="websocket")
            try:
                while (event := await queue.get()) is not None:
                    await socket.send_json({"stream": [stream], "event": event[0], "payload": event[1]})
            finally:
                reading.cancel()
        await socket.close()
        return socket


async def _end_with(socket: web.WebSocketResponse, queue: asyncio.Queue[tuple[str, str] | None]) -> None:
    """End a stream when its client does."""
    async for _ in socket:
        pass
    queue.put_nowait(None)
