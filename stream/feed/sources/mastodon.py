"""Mastodon: the streaming API of one server, over server-sent events or a WebSocket.

https://docs.joinmastodon.org/methods/streaming/. The API has no replay: the time without a connection is a gap.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
import orjson

from stream.feed.delays import RandomDelays
from stream.feed.events import LONGEST_LANGUAGE, Cursor, Deletion, Event, Heartbeat, Ignored, Opened, Post, Reason
from stream.feed.http import (
    CONNECT_SECONDS,
    LONGEST_MESSAGE_BYTES,
    WEBSOCKET_TIMEOUT,
    authorization,
    beginning_of,
    lost,
    one_line,
    read_lines,
    refusal,
)
from stream.feed.source import Delays, SourceError, TokenError
from stream.feed.sources.outage import missed, until_now
from stream.settings import Settings
from stream.tweets.html_text import html_to_text
from stream.tweets.lines import Overlong

logger = logging.getLogger(__name__)

_PATHS = {
    "public": "public",
    "public:local": "public/local",
    "hashtag": "hashtag",
    "hashtag:local": "hashtag/local",
}
_LONGEST_HTML = 65_536
_LONGEST_HTML_IN_LOOP = 8_192
"""Longer HTML is converted in a thread."""
_LONGEST_ID = 64
_EDIT = "status.update"
_WITH_STATUS = ("update", _EDIT)
_ADVICE = (
    "write a user's access token with the scope read:statuses into a file, and name the file in mastodon.token_file; "
    "see docs/feed.md"
)


class MastodonSource:
    """Public posts of a Mastodon server.

    Args:
        settings: The settings.
        session: Makes the connections.

    Raises:
        SettingsError: The token's file cannot be read.
    """

    name = "mastodon"
    charges_per_post = False

    def __init__(self, settings: Settings, session: aiohttp.ClientSession) -> None:
        self._settings = settings.mastodon
        self._session = session
        self._reconnect_seconds = settings.feed.reconnect_seconds
        self._silence_seconds = settings.feed.silence_seconds
        self._most_bytes = settings.limits.payload_bytes
        self._headers = authorization("mastodon.token_file", self._settings.token_file)
        self._statuses = Statuses(
            urlsplit(self._settings.server).netloc,
            authors=settings.feed.authors,
            content_warnings=self._settings.content_warnings,
            indexable_only=self._settings.indexable_only,
        )
        tag = f" #{self._settings.hashtag}" if self._settings.hashtag else ""
        self.identity = f"mastodon {self._settings.server} {self._settings.stream}{tag}"
        self.allowed_silence_seconds = self._silence_seconds + CONNECT_SECONDS

    def delays(self) -> Delays:
        """Return random delays."""
        return RandomDelays(self._reconnect_seconds)

    async def connect(self, cursor: Cursor | None) -> AsyncGenerator[Event]:
        """Connect, and yield posts, edits and deletions."""
        base = await self._streaming_address()
        transport = self._over_websocket if self._settings.transport == "websocket" else self._over_http
        async with aclosing(transport(base)) as messages:
            async for kind, payload in messages:
                if kind == "opened":
                    yield Opened(f"{self._settings.server} ({self._settings.stream})")
                    if gap := missed(cursor):
                        yield gap
                elif kind == "heartbeat":
                    yield Heartbeat(until_now())
                else:
                    yield await self._event(kind, payload)

    async def _event(self, kind: str, payload: bytes | Overlong) -> Event:
        position = until_now()
        if isinstance(payload, Overlong) or len(payload) > self._most_bytes:
            return Ignored(Reason.TOO_LARGE, position)
        if kind == "delete":
            identifier = payload.decode("utf-8", "replace").strip().strip('"')
            return self._statuses.deletion(identifier, position)
        try:
            status = orjson.loads(payload) if kind in _WITH_STATUS else None
        except orjson.JSONDecodeError:
            return Ignored(Reason.NOT_JSON, position)
        if not isinstance(status, dict):
            return Ignored(Reason.NOT_A_POST, position)
        if len(payload) > _LONGEST_HTML_IN_LOOP:
            return await asyncio.to_thread(self._statuses.read, status, position, edited=kind == _EDIT)
        return self._statuses.read(status, position, edited=kind == _EDIT)

    async def _streaming_address(self) -> str:
        """Return the address of the streaming API, which may be on another host than the rest."""
        server = self._settings.server
        try:
            async with (
                asyncio.timeout(CONNECT_SECONDS),
                self._session.get(f"{server}/api/v2/instance", headers=self._headers) as answer,
            ):
                if answer.status != HTTPStatus.OK:
                    return server
                described = orjson.loads(await answer.content.read(LONGEST_MESSAGE_BYTES))
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise lost(f"cannot connect to {server}", error) from error
        except orjson.JSONDecodeError:
            return server
        return _streaming_url(described) or server

    async def _over_http(self, base: str) -> AsyncGenerator[tuple[str, bytes | Overlong]]:
        address = base.replace("wss://", "https://", 1).replace("ws://", "http://", 1)
        url = f"{address}/api/v1/streaming/{_PATHS[self._settings.stream]}"
        parameters = {"tag": self._settings.hashtag} if self._settings.hashtag else {}
        headers = self._headers | {"Accept": "text/event-stream"}
        try:
            async with self._session.get(url, params=parameters, headers=headers) as answer:
                await self._check(answer)
                yield "opened", b""
                lines = read_lines(answer, self._silence_seconds, address)
                async with aclosing(lines):
                    async for event in _server_sent_events(lines):
                        yield event
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise lost(f"cannot connect to {address}", error) from error

    async def _check(self, answer: aiohttp.ClientResponse) -> None:
        what = f"the stream of {self._settings.server}"
        if answer.status != HTTPStatus.OK:
            detail = await beginning_of(answer)
            raise refusal(what, answer.status, answer.headers, detail, _ADVICE)
        if answer.content_type != "text/event-stream":
            raise SourceError(f"{what} is {one_line(answer.content_type)}, not a stream of events")

    async def _over_websocket(self, base: str) -> AsyncGenerator[tuple[str, bytes | Overlong]]:
        address = base.replace("https://", "wss://", 1).replace("http://", "ws://", 1)
        tag = {"tag": self._settings.hashtag} if self._settings.hashtag else {}
        url = f"{address}/api/v1/streaming?{urlencode({'stream': self._settings.stream} | tag)}"
        try:
            socket = await self._session.ws_connect(
                url,
                headers=self._headers,
                timeout=WEBSOCKET_TIMEOUT,
                max_msg_size=LONGEST_MESSAGE_BYTES,
                autoping=False,
                decode_text=False,
            )
        except aiohttp.WSServerHandshakeError as error:
            what = f"the stream of {self._settings.server}"
            raise refusal(what, error.status, error.headers or {}, "", _ADVICE) from error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise lost(f"cannot connect to {address}", error) from error
        async with socket:
            yield "opened", b""
            while True:
                try:
                    async with asyncio.timeout(self._silence_seconds):
                        message = await socket.receive()
                        if message.type is aiohttp.WSMsgType.PING:
                            await socket.pong(message.data)
                except TimeoutError as error:
                    raise SourceError(f"{address} was silent for {self._silence_seconds:g} s") from error
                except (aiohttp.ClientError, OSError) as error:
                    raise lost(address, error) from error
                if message.type in (aiohttp.WSMsgType.PING, aiohttp.WSMsgType.PONG):
                    yield "heartbeat", b""
                elif message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                    yield self._unwrapped(message.data)
                else:
                    raise SourceError(f"{address} closed the connection ({socket.close_code or 'without a code'})")

    def _unwrapped(self, message: bytes) -> tuple[str, bytes]:
        """Return the kind and the payload of a message: `{"stream": […], "event": "update", "payload": "{…}"}`.

        Raises:
            TokenError: It says that the token was revoked.
        """
        try:
            found = orjson.loads(message)
        except orjson.JSONDecodeError:
            return "update", b"not JSON"
        if not isinstance(found, dict):
            return "unknown", b""
        if isinstance(found.get("error"), str) and found.get("status") in (401, 403):
            raise TokenError(f"the stream of {self._settings.server} was refused ({found['error'][:100]}): {_ADVICE}")
        payload = found.get("payload")
        return str(found.get("event")), payload.encode("utf-8", "replace") if isinstance(payload, str) else b""


class Statuses:
    """Turns statuses into events.

    Args:
        host: Name of the server, which statuses are numbered by.
        authors: Whether posts have their author.
        content_warnings: `include`, `omit` or `exclude`.
        indexable_only: Whether to leave out posts of users who do not want to be indexed.
    """

    def __init__(self, host: str, *, authors: bool, content_warnings: str, indexable_only: bool) -> None:
        self._host = host
        self._authors = authors
        self._content_warnings = content_warnings
        self._indexable_only = indexable_only

    def deletion(self, identifier: object, position: Cursor) -> Event:
        """Return the deletion of a status."""
        known = self._identifier(identifier)
        return Ignored(Reason.NO_ID, position) if known is None else Deletion(known, position)

    def read(self, status: Mapping[str, Any], position: Cursor, *, edited: bool) -> Event:
        """Return the post of a status, or the reason why it is left out."""
        at = _seconds(status.get("edited_at")) if edited else _seconds(status.get("created_at"))
        account = status.get("account")
        account = account if isinstance(account, dict) else {}
        reason = self._reason(status, account)
        if reason is not None:
            return Ignored(reason, position, at)
        identifier = self._identifier(status.get("id"))
        if identifier is None:
            return Ignored(Reason.NO_ID, position, at)
        text = self._text(status)
        if isinstance(text, Reason):
            return Ignored(text, position, at)
        language = status.get("language")
        return Post(
            identifier,
            text,
            position,
            at,
            languages=(language[:LONGEST_LANGUAGE],) if isinstance(language, str) and language else (),
            author=self._author(account),
            edited=edited,
            version=str(status.get("edited_at") or "")[:64],
        )

    def _reason(self, status: Mapping[str, Any], account: Mapping[str, Any]) -> Reason | None:
        if status.get("visibility") != "public":
            return Reason.NOT_PUBLIC
        if status.get("reblog") is not None:
            return Reason.NOT_A_POST
        if self._indexable_only and account.get("noindex") is True:
            return Reason.OPTED_OUT
        has_warning = bool(status.get("spoiler_text"))
        return Reason.CONTENT_WARNING if has_warning and self._content_warnings == "exclude" else None

    def _text(self, status: Mapping[str, Any]) -> str | Reason:
        content, warning = status.get("content"), status.get("spoiler_text")
        if not isinstance(content, str):
            return Reason.NO_TEXT if content is None else Reason.BAD_TEXT
        if len(content) > _LONGEST_HTML:
            return Reason.TOO_LONG
        text = html_to_text(content)
        with_warning = self._content_warnings == "include" and isinstance(warning, str) and warning.strip()
        return f"{str(warning).strip()}\n{text}" if with_warning else text

    def _identifier(self, identifier: object) -> str | None:
        if isinstance(identifier, int) and not isinstance(identifier, bool):
            identifier = str(identifier)
        if not isinstance(identifier, str) or not 0 < len(identifier) <= _LONGEST_ID or not identifier.isalnum():
            return None
        return f"{self._host}/{identifier}"

    def _author(self, account: Mapping[str, Any]) -> str | None:
        """Return the author's address, with the server's name also for users of the server itself."""
        name = account.get("acct")
        if not self._authors or not isinstance(name, str) or not name:
            return None
        return name if "@" in name else f"{name}@{self._host}"


async def _server_sent_events(lines: AsyncIterator[bytes | Overlong]) -> AsyncGenerator[tuple[str, bytes | Overlong]]:
    """Yield the events of lines, and a heartbeat for each comment.

    https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
    """
    kind = ""
    data: list[bytes] = []
    overlong: Overlong | None = None
    async for line in lines:
        if isinstance(line, Overlong):
            overlong = line
        elif line.startswith(b":"):
            yield "heartbeat", b""
        elif line:
            field, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if field == b"event":
                kind = value.decode("utf-8", "replace")[:64]
            elif field == b"data" and sum(map(len, data)) + len(value) <= LONGEST_MESSAGE_BYTES:
                data.append(value)
        else:
            if overlong or data:
                yield kind or "message", overlong or b"\n".join(data)
            kind, data, overlong = "", [], None


def _streaming_url(described: object) -> str | None:
    for key in ("configuration", "urls", "streaming"):
        described = described.get(key) if isinstance(described, dict) else None
    is_address = isinstance(described, str) and described.startswith(("wss://", "ws://", "https://", "http://"))
    return str(described).rstrip("/") if is_address else None


def _seconds(value: object) -> float | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
