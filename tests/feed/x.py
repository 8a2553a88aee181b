"""A local server that speaks X's filtered stream: lines of JSON, keep-alive lines, rules, limits and backfill.

Written from https://docs.x.com/x-api/posts/filtered-stream/introduction and the pages beside it.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.feed.posts import line
from tests.feed.serving import serving

TOKEN = "the-apps-bearer-token"  # noqa: S105  (of the local server)


@dataclass
class X:
    """A server with posts that are sent to the open stream, and kept for backfill."""

    token: str = TOKEN
    refusals: list[web.Response] = field(default_factory=list)
    """Answers to the next connections."""
    keepalive_seconds: float = 0.05
    """Time between two keep-alive lines; 0: none."""
    rules: dict[str, dict[str, str]] = field(default_factory=dict)
    requests: list[web.Request] = field(default_factory=list)
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    _open: list[asyncio.Queue[bytes | None]] = field(default_factory=list)
    _kept: list[bytes] = field(default_factory=list)

    def send(self, message: dict[str, Any] | bytes) -> None:
        """Send a post, and keep it for backfill."""
        content = message if isinstance(message, bytes) else line(message)
        self._kept.append(content)
        for queue in self._open:
            queue.put_nowait(content)

    def cut(self) -> None:
        """End the open streams."""
        for queue in self._open:
            queue.put_nowait(None)
        self.opened.clear()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Serve, and yield the address, `http://127.0.0.1:port`."""
        application = web.Application()
        application.add_routes(
            [
                web.get("/2/tweets/search/stream", self._stream),
                web.get("/2/tweets/search/stream/rules", self._list),
                web.post("/2/tweets/search/stream/rules", self._change),
            ]
        )
        async with serving(application) as address:
            yield address

    def _refused(self, request: web.Request) -> web.Response | None:
        if request.headers.get("Authorization") == f"Bearer {self.token}":
            return None
        return web.json_response({"title": "Unauthorized", "status": 401}, status=401)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        if refused := self._refused(request):
            return refused
        if self.refusals:
            return self.refusals.pop(0)
        answer = web.StreamResponse()
        await answer.prepare(request)
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        if "backfill_minutes" in request.query:
            for content in self._kept:
                queue.put_nowait(content)
        self._open.append(queue)
        self.opened.set()
        try:
            await self._send_lines(answer, queue)
        finally:
            self._open.remove(queue)
        return answer

    async def _send_lines(self, answer: web.StreamResponse, queue: asyncio.Queue[bytes | None]) -> None:
        while True:
            try:
                async with asyncio.timeout(self.keepalive_seconds or None):
                    content = await queue.get()
            except TimeoutError:
                await answer.write(b"\r\n")
                continue
            if content is None:
                return
            half = len(content) // 2  # a line may come in several chunks
            await answer.write(content[:half])
            await answer.write(content[half:])

    async def _list(self, request: web.Request) -> web.Response:
        rules = list(self.rules.values())
        return self._refused(request) or web.json_response({"meta": {}, **({"data": rules} if rules else {})})

    async def _change(self, request: web.Request) -> web.Response:
        if refused := self._refused(request):
            return refused
        wanted = await request.json()
        if "delete" in wanted:
            deleted = sum(self.rules.pop(identifier, None) is not None for identifier in wanted["delete"]["ids"])
            return web.json_response({"meta": {"summary": {"deleted": deleted, "not_deleted": 0}}})
        rule = wanted["add"][0]
        if rule["value"].count('"') % 2:
            error = {"title": "UnprocessableEntity", "details": ["missing a closing quote"]}
            return web.json_response({"meta": {"summary": {"created": 0}}, "errors": [error]}, status=201)
        identifier = str(1_100 + len(self.rules))
        self.rules[identifier] = {"id": identifier, **rule}
        return web.json_response({"data": [self.rules[identifier]], "meta": {"summary": {"created": 1}}}, status=201)


def too_many_requests(reset_in_seconds: float) -> web.Response:
    """Return the answer to a client that asks too often."""
    headers = {"x-rate-limit-limit": "50", "x-rate-limit-reset": str(time.time() + reset_in_seconds)}
    return web.json_response({"title": "Too Many Requests", "status": 429}, status=429, headers=headers)
