"""A local Jetstream that speaks versions 1 and 2, with replay by cursor, filters and zstd.

Written from https://github.com/bluesky-social/jetstream: its lexicons, and the behaviour that its documents describe.
`python -m tests.feed serve` serves invented posts for trials by hand.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
from aiohttp import web
from backports import zstd

from tests.feed.posts import jetstream_commit
from tests.feed.serving import serving

NAMESPACE = "network.bsky.jetstream"
_FIRST_TIME = 10**15
"""Cursors from here on are times in microseconds, and smaller ones are sequence numbers."""


def trained_dictionary() -> zstd.ZstdDict:
    """Return a dictionary that was trained on invented posts."""
    samples = [orjson.dumps(version_2(jetstream_commit(number))) for number in range(2000)]
    return zstd.train_dict(samples, 8192)


def version_1(commit: dict[str, Any]) -> dict[str, Any]:
    """Return a commit as version 1 sends it."""
    outer = {"did": commit["did"], "time_us": commit["time_us"], "kind": commit.get("kind", "commit")}
    return outer | {"commit": {key: value for key, value in commit.items() if key not in outer and key != "seq"}}


def version_2(commit: dict[str, Any]) -> dict[str, Any]:
    """Return a commit as version 2 sends it."""
    kind = commit.get("kind", "commit")
    moment = datetime.fromtimestamp(commit["time_us"] // 1_000_000, UTC).replace(microsecond=commit["time_us"] % 10**6)
    payload = {"$type": f"{NAMESPACE}.subscribeEvents#{kind}", "time": moment.isoformat().replace("+00:00", "Z")}
    return {"$type": "message", "payload": payload | {key: commit[key] for key in commit if key != "time_us"}}


@dataclass
class Jetstream:
    """A server with events that are added while it runs, and with the faults that a test asks for."""

    events: list[dict[str, Any] | bytes] = field(default_factory=list)
    """Commits, or raw messages."""
    dictionary: zstd.ZstdDict | None = None
    oldest: int = 0
    """Index of the first event that is kept; earlier ones cannot be replayed."""
    close_after: int | None = None
    """Number of messages after which a connection is cut, without a closing handshake."""
    damaged: set[int] = field(default_factory=set)
    """Indexes of events whose compressed message is cut short."""
    silent: bool = False
    """True to accept connections and send nothing."""
    refuse: web.Response | None = None
    """Answer to all requests, in place of a connection."""
    on_open: Callable[[], None] | None = None
    """Called when a client is connected."""
    requests: list[web.Request] = field(default_factory=list)
    sent: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, *events: dict[str, Any] | bytes) -> None:
        """Add events; they are sent to all open connections."""
        self.events.extend(events)
        self._changed.set()
        self._changed = asyncio.Event()

    @contextlib.asynccontextmanager
    async def running(self, host: str = "127.0.0.1") -> AsyncIterator[str]:
        """Serve, and yield the address, `ws://host:port`."""
        application = web.Application()
        application.add_routes(
            [
                web.get("/subscribe", self._subscribe_1),
                web.get(f"/xrpc/{NAMESPACE}.subscribeEvents", self._subscribe_2),
                web.get(f"/xrpc/{NAMESPACE}.getZstdDictionary", self._send_dictionary),
            ]
        )
        async with serving(application, host) as address:
            yield address.replace("http", "ws", 1)

    async def _send_dictionary(self, _request: web.Request) -> web.Response:
        if self.dictionary is None:
            return web.json_response({"error": "DictionaryNotFound"}, status=404)
        return web.Response(body=self.dictionary.dict_content, content_type="application/octet-stream")

    async def _subscribe_1(self, request: web.Request) -> web.StreamResponse:
        compressed = request.query.get("compress") == "true"
        if self.refuse is None and "wantedCollections" not in request.query:
            return web.Response(status=400, text="the feeder asks for posts only")
        start = self._start(request)
        return await self._stream(request, start, version_1, compressed=compressed, outdated=False)

    async def _subscribe_2(self, request: web.Request) -> web.StreamResponse:
        wanted = request.query.get("zstdDictionary")
        known = str(self.dictionary.dict_id) if self.dictionary else None
        if wanted is not None and wanted != known:
            return _error("UnknownZstdDictionary", f"the current dictionary is {known}")
        if "wantedCollections" in request.query or request.query.get("collections") != "app.bsky.feed.post":
            return _error("InvalidRequest", "the feeder asks for posts only")
        cursor = int(request.query.get("cursor", "-1"))
        start = self._start(request)
        too_old = cursor >= 0 and start < self.oldest
        if too_old and cursor < _FIRST_TIME:
            return _error("CursorTooOld", f"cursor {cursor} below lookback floor {self.oldest}")
        return await self._stream(request, start, version_2, compressed=wanted is not None, outdated=too_old)

    def _start(self, request: web.Request) -> int:
        """Return the index of the first event from the cursor on; the next event without one."""
        cursor = int(request.query.get("cursor", "-1"))
        if cursor < 0:
            return len(self.events)
        key = "time_us" if cursor >= _FIRST_TIME else "seq"
        for index, event in enumerate(self.events):
            if isinstance(event, dict) and event[key] >= cursor:
                return index
        return len(self.events)

    async def _stream(
        self,
        request: web.Request,
        start: int,
        encode: Callable[[dict[str, Any]], dict[str, Any]],
        *,
        compressed: bool,
        outdated: bool,
    ) -> web.StreamResponse:
        self.requests.append(request)
        if self.refuse is not None:
            return self.refuse
        socket = web.WebSocketResponse(protocols=("xrpc.v1.json",), compress=False)
        await socket.prepare(request)
        if self.silent:
            await socket.receive()
            return socket
        if outdated:
            info = {"$type": f"{NAMESPACE}.subscribeEvents#info", "name": "OutdatedCursor"}
            await self._send(socket, orjson.dumps({"$type": "message", "payload": info}), compressed=compressed)
        if self.on_open:
            self.on_open()
        reading = asyncio.create_task(socket.receive())
        try:
            cut = request.transport.abort if request.transport else lambda: None
            await self._send_events(socket, reading, cut, max(start, self.oldest), encode, compressed=compressed)
        except ConnectionError:
            pass
        finally:
            reading.cancel()
        return socket

    async def _send_events(
        self,
        socket: web.WebSocketResponse,
        reading: asyncio.Task[Any],
        cut: Callable[[], None],
        index: int,
        encode: Callable[[dict[str, Any]], dict[str, Any]],
        *,
        compressed: bool,
    ) -> None:
        sent = 0
        while not reading.done():
            while index < len(self.events):
                event = self.events[index]
                message = event if isinstance(event, bytes) else orjson.dumps(encode(event))
                await self._send(socket, message, compressed=compressed, damaged=index in self.damaged)
                index, sent, self.sent = index + 1, sent + 1, self.sent + 1
                if self.close_after is not None and sent >= self.close_after:
                    cut()
                    return
            changed = asyncio.create_task(self._changed.wait())
            await asyncio.wait([changed, reading], return_when=asyncio.FIRST_COMPLETED)
            changed.cancel()

    async def _send(
        self, socket: web.WebSocketResponse, message: bytes, *, compressed: bool, damaged: bool = False
    ) -> None:
        if compressed:
            frame = zstd.compress(message, zstd_dict=self.dictionary)
            await socket.send_bytes(frame[:-3] if damaged else frame)
        else:
            await socket.send_frame(message, web.WSMsgType.TEXT)


def _error(name: str, message: str) -> web.Response:
    return web.json_response({"error": name, "message": message}, status=400)
