"""Bluesky: posts from a Jetstream over a WebSocket, from a position on."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Literal
from urllib.parse import urlencode

import aiohttp
import orjson

from stream.errors import SettingsError
from stream.feed.delays import RandomDelays
from stream.feed.dictionary import (
    LONGEST_DICTIONARY_BYTES,
    Decompressor,
    need_zstd,
    read_dictionary,
    zstd_is_installed,
)
from stream.feed.events import Cursor, Event, Gap, Ignored, Opened, Reason
from stream.feed.http import (
    CONNECT_SECONDS,
    LONGEST_MESSAGE_BYTES,
    WEBSOCKET_TIMEOUT,
    beginning_of,
    lost,
    one_line,
    wait_seconds,
)
from stream.feed.source import Delays, Failure, SourceError
from stream.feed.sources.jetstream import POSTS, JetstreamReader, OutdatedCursor, StreamError
from stream.settings import Settings

logger = logging.getLogger(__name__)

PUBLIC_INSTANCES: dict[str, tuple[str, ...]] = {
    "1": (
        "wss://jetstream1.us-east.bsky.network",
        "wss://jetstream2.us-east.bsky.network",
        "wss://jetstream1.us-west.bsky.network",
        "wss://jetstream2.us-west.bsky.network",
    ),
    "2": ("wss://jetstream.us-east.bsky.network", "wss://jetstream.us-west.bsky.network"),
}
"""Bluesky's own servers."""
_Socket = aiohttp.ClientWebSocketResponse[Literal[False]]
_STREAM_2 = "xrpc/network.bsky.jetstream.subscribeEvents"
_DICTIONARY_2 = "xrpc/network.bsky.jetstream.getZstdDictionary"
_SUBPROTOCOL = "xrpc.v1.json"
_MICROSECONDS = 1_000_000
_REWIND_SECONDS = 5
"""Another server has seen the same events at slightly different times."""
_GAP_SECONDS = 60.0
"""Version 1 does not say that a position is too old; on the public network posts come every second."""


class BlueskySource:
    """Bluesky's posts.

    Args:
        settings: The settings.
        session: Makes the connections.

    Raises:
        SettingsError: The settings ask for compression, and the library or the dictionary is missing.
        InputError: The dictionary cannot be read.
    """

    name = "bluesky"
    charges_per_post = False

    def __init__(self, settings: Settings, session: aiohttp.ClientSession) -> None:
        self._settings = settings.bluesky
        self._session = session
        self._authors = settings.feed.authors
        self._reconnect_seconds = settings.feed.reconnect_seconds
        self._silence_seconds = settings.feed.silence_seconds
        self._most_bytes = settings.limits.payload_bytes
        self._instances = tuple(self._settings.instances) or PUBLIC_INSTANCES[self._settings.version]
        self._current = 0
        self._had_data = False
        self._dictionaries: dict[str, Decompressor] = {}
        self._too_old = False
        self.identity = "bluesky"
        self.allowed_silence_seconds = self._silence_seconds + CONNECT_SECONDS
        self._file_dictionary = self._read_dictionary()

    def delays(self) -> Delays:
        """Return random delays."""
        return RandomDelays(self._reconnect_seconds)

    async def connect(self, cursor: Cursor | None) -> AsyncGenerator[Event]:
        """Connect to the current instance; the next attempt uses another one where this one brings no data."""
        instance = self._instances[self._current]
        self._had_data = False
        try:
            async with self._open(instance, cursor) as (socket, decompressor):
                yield Opened(instance)
                reader = JetstreamReader(instance, authors=self._authors)
                start = _time_of(cursor)
                too_old, self._too_old = self._too_old, False
                while True:
                    event = self._event(await self._receive(socket, instance), reader, decompressor, instance)
                    if isinstance(event, OutdatedCursor):
                        too_old = True
                        continue
                    self._had_data = True
                    if start is not None and (at := getattr(event, "at", None)) is not None:
                        if gap := self._gap(start, at, too_old=too_old):
                            yield gap
                        start = None
                    yield event
        finally:
            if not self._had_data:
                self._current = (self._current + 1) % len(self._instances)

    def _gap(self, start: float, at: float, *, too_old: bool) -> Gap | None:
        """Return the time between the position and the first event, where the server does not keep it any more."""
        if too_old or (self._settings.version == "1" and at - start > _GAP_SECONDS):
            return Gap("position_too_old", max(0.0, at - start), since=start)
        return None

    def _event(
        self, message: bytes, reader: JetstreamReader, decompressor: Decompressor | None, instance: str
    ) -> Event | OutdatedCursor:
        if decompressor:
            content = decompressor.decompress(message)
            if content is None:
                return Ignored(Reason.NOT_JSON)
            message = content
        if len(message) > self._most_bytes:
            return Ignored(Reason.TOO_LARGE)
        event = reader.read(message)
        if isinstance(event, StreamError):
            raise SourceError(f"{instance} ended the stream: {one_line(event.name)}: {one_line(event.detail)}")
        return event

    async def _receive(self, socket: _Socket, instance: str) -> bytes:
        try:
            async with asyncio.timeout(self._silence_seconds):
                message = await socket.receive()
        except TimeoutError as error:
            raise SourceError(f"{instance} sent nothing for {self._silence_seconds:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise lost(instance, error) from error
        if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            data: bytes = message.data
            return data
        if message.type is aiohttp.WSMsgType.ERROR:
            raise SourceError(f"{instance}: the connection was lost: {one_line(str(message.data))}")
        code, reason = socket.close_code, one_line(str(message.extra or ""))
        raise SourceError(f"{instance} closed the connection ({code or 'without a code'}{reason and f': {reason}'})")

    @asynccontextmanager
    async def _open(self, instance: str, cursor: Cursor | None) -> AsyncIterator[tuple[_Socket, Decompressor | None]]:
        decompressor = await self._decompressor(instance)
        url = self._url(instance, cursor, decompressor)
        protocols = (_SUBPROTOCOL,) if self._settings.version == "2" else ()
        try:
            socket = await self._session.ws_connect(
                url,
                protocols=protocols,
                timeout=WEBSOCKET_TIMEOUT,
                max_msg_size=LONGEST_MESSAGE_BYTES,
                decode_text=False,
            )
        except aiohttp.WSServerHandshakeError as error:
            raise await self._refused(instance, url, error) from error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise lost(f"cannot connect to {instance}", error) from error
        async with socket:
            yield socket, decompressor

    def _url(self, instance: str, cursor: Cursor | None, decompressor: Decompressor | None) -> str:
        position = self._position(instance, cursor)
        parameters: dict[str, str | int] = {"maxMessageSizeBytes": self._most_bytes}
        if position is not None:
            parameters["cursor"] = position
        if self._settings.version == "1":
            parameters |= {"wantedCollections": POSTS}
            parameters |= {"compress": "true"} if decompressor else {}
            return f"{instance}/subscribe?{urlencode(parameters)}"
        parameters |= {"collections": POSTS, "kinds": "commit"}
        parameters |= {"zstdDictionary": decompressor.dictionary_id} if decompressor else {}
        return f"{instance}/{_STREAM_2}?{urlencode(parameters)}"

    def _position(self, instance: str, cursor: Cursor | None) -> int | None:
        """Return the position for a server: its own number, or a time, a little earlier on another server."""
        if cursor is None:
            return None
        sequence, time_us = cursor.get("seq"), cursor.get("time_us")
        same = cursor.get("instance", instance) == instance
        if self._settings.version == "2" and same and isinstance(sequence, int) and not self._too_old:
            return sequence + 1
        if not isinstance(time_us, int):
            return None
        return max(0, time_us - 1 if same else time_us - _REWIND_SECONDS * _MICROSECONDS)

    async def _refused(self, instance: str, url: str, error: aiohttp.WSServerHandshakeError) -> SourceError:
        """Return the error for a refused handshake; the same request without the upgrade tells the reason."""
        what = f"{instance} refused the connection"
        headers: Mapping[str, str] = error.headers or {}
        if error.status == HTTPStatus.TOO_MANY_REQUESTS:
            return SourceError(
                f"{what}: too many requests (429)", Failure.RATE_LIMIT, retry_seconds=wait_seconds(headers)
            )
        detail = await self._reason(url)
        name = _error_name(detail)
        if name == "CursorTooOld":
            self._too_old = self._had_data = True  # the same server is asked by time
        elif name == "UnknownZstdDictionary":
            self._dictionaries.pop(instance, None)
            self._had_data = True
        return SourceError(
            f"{what} with HTTP status {error.status}: {one_line(detail) or error.message}",
            Failure.HTTP,
            retry_seconds=wait_seconds(headers),
        )

    async def _reason(self, url: str) -> str:
        try:
            async with asyncio.timeout(CONNECT_SECONDS), self._session.get(_http(url)) as answer:
                return await beginning_of(answer)
        except (aiohttp.ClientError, OSError, TimeoutError):
            return ""

    def _read_dictionary(self) -> Decompressor | None:
        settings = self._settings
        if settings.compress:
            need_zstd()
        if settings.version == "1" and settings.compress and settings.dictionary_file is None:
            raise SettingsError(
                "bluesky.compress needs bluesky.dictionary_file with version 1: Jetstream's repository has the file "
                "(pkg/models/zstd_dictionary)"
            )
        if settings.version == "2" or settings.dictionary_file is None or settings.compress is False:
            return None
        return read_dictionary(settings.dictionary_file, LONGEST_MESSAGE_BYTES)

    async def _decompressor(self, instance: str) -> Decompressor | None:
        """Return the decompressor for a server; None where data is to come uncompressed."""
        if self._settings.version == "1":
            return self._file_dictionary
        if self._settings.compress is False or not zstd_is_installed():
            return None
        if instance not in self._dictionaries:
            try:
                content = await self._fetch_dictionary(instance)
                self._dictionaries[instance] = await asyncio.to_thread(Decompressor, content, LONGEST_MESSAGE_BYTES)
            except (SourceError, ValueError) as error:
                if self._settings.compress:
                    raise SourceError(f"{instance} sends no dictionary for compressed data: {error}") from error
                logger.info("%s sends no dictionary (%s); its data comes uncompressed", instance, error)
                return None
        return self._dictionaries[instance]

    async def _fetch_dictionary(self, instance: str) -> bytes:
        try:
            async with (
                asyncio.timeout(CONNECT_SECONDS),
                self._session.get(f"{_http(instance)}/{_DICTIONARY_2}") as answer,
            ):
                if answer.status != HTTPStatus.OK:
                    raise SourceError(f"HTTP status {answer.status}", Failure.HTTP)
                content = bytearray()
                async for chunk in answer.content.iter_chunked(65_536):
                    content += chunk
                    if len(content) > LONGEST_DICTIONARY_BYTES:
                        raise SourceError("it is too large")
                return bytes(content)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise lost(instance, error) from error


def _time_of(cursor: Cursor | None) -> float | None:
    """Return the time of a position; None without one, or where it lies in the future."""
    time_us = None if cursor is None else cursor.get("time_us")
    seconds = time_us / _MICROSECONDS if isinstance(time_us, int) else None
    return seconds if seconds is not None and seconds < time.time() + _GAP_SECONDS else None


def _http(url: str) -> str:
    return "http" + url.removeprefix("ws")


def _error_name(detail: str) -> str | None:
    try:
        found = orjson.loads(detail)
    except orjson.JSONDecodeError:
        return None
    name = found.get("error") if isinstance(found, dict) else None
    return name if isinstance(name, str) else None
