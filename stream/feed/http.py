"""HTTP and WebSocket connections to sources: answers with errors, tokens, and lines in bounded memory."""

import asyncio
import email.utils
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

import aiohttp

from stream import __version__
from stream.credentials import read_password
from stream.errors import SettingsError
from stream.feed.source import Failure, SourceError, TokenError
from stream.tweets.lines import Overlong

USER_AGENT = f"starling-feed/{__version__} (+https://github.com/starling-edge/starling)"
CONNECT_SECONDS = 20.0
"""Time for a connection and the beginning of an answer."""
WEBSOCKET_TIMEOUT = aiohttp.ClientWSTimeout(ws_close=1.0)
"""A server has a second to answer to the end of a connection."""
LONGEST_MESSAGE_BYTES = 4 * 1024 * 1024
"""Longest message that is held in memory; a longer one is left out, or ends a WebSocket."""


@asynccontextmanager
async def open_session() -> AsyncIterator[aiohttp.ClientSession]:
    """Open a session for the connections to a source; proxies are those of the environment."""
    timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS, sock_connect=CONNECT_SECONDS)
    headers = {"User-Agent": USER_AGENT}
    async with aiohttp.ClientSession(timeout=timeout, headers=headers, trust_env=True) as session:
        yield session


def authorization(setting: str, token_file: Path | None) -> dict[str, str]:
    """Return the header with the token of a file; none where the settings name no file.

    Raises:
        SettingsError: The file cannot be read, or holds no token.
    """
    if token_file is None:
        return {}
    token = read_password(setting, token_file).get_secret_value().strip()
    if not token.isascii() or not token.isprintable() or " " in token:
        raise SettingsError(f"{setting}: {token_file} holds no token: it has characters that no token has")
    return {"Authorization": f"Bearer {token}"}


def refusal(what: str, status: int, headers: Mapping[str, str], detail: str, advice: str) -> SourceError | TokenError:
    """Return the error for an HTTP status.

    Args:
        what: Name of the request in the error.
        status: The status, of 400 or more.
        headers: The answer's headers, which may name a time to wait.
        detail: The beginning of the answer.
        advice: What to do about a refused token.
    """
    said = f": {one_line(detail)}" if detail.strip() else ""
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return TokenError(f"{what} was refused ({status}{said}): {advice}")
    retry_seconds = wait_seconds(headers)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        message = f"{what} was refused because of too many requests ({status}{said})"
        return SourceError(message, Failure.RATE_LIMIT, retry_seconds=retry_seconds)
    return SourceError(f"{what} failed with HTTP status {status}{said}", Failure.HTTP, retry_seconds=retry_seconds)


def wait_seconds(headers: Mapping[str, str]) -> float | None:
    """Return the time to wait that an answer names (Retry-After, X-RateLimit-Reset); None where it names none."""
    for name in ("Retry-After", "x-rate-limit-reset", "X-RateLimit-Reset"):
        if value := headers.get(name):
            moment = _moment(value)
            if moment is None:
                continue
            is_duration = name == "Retry-After" and value.strip().isdecimal()
            return max(0.0, moment if is_duration else moment - time.time())
    return None


def _moment(value: str) -> float | None:
    """Return a number, or a date of HTTP or ISO 8601 as seconds since the epoch."""
    try:
        return float(value[:32])
    except ValueError:
        pass
    for parse in (datetime.fromisoformat, email.utils.parsedate_to_datetime):
        try:
            moment = parse(value)
        except (ValueError, TypeError):
            continue
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return None


def one_line(text: str, longest: int = 200) -> str:
    """Return the beginning of a text without line ends and control characters, for logs."""
    return " ".join("".join(c if c.isprintable() else " " for c in text[: 2 * longest]).split())[:longest]


async def read_lines(
    answer: aiohttp.ClientResponse, silence_seconds: float, what: str
) -> AsyncGenerator[bytes | Overlong]:
    """Yield the lines of an answer as they arrive, without their ends.

    Args:
        answer: The answer, whose status was checked.
        silence_seconds: Time without a byte after which the connection counts as lost.
        what: Name of the connection in errors.

    Raises:
        SourceError: The connection is lost, or silent for too long.
    """
    parts: list[bytes] = []
    length = 0
    while True:
        try:
            async with asyncio.timeout(silence_seconds):
                content = await answer.content.readany()
        except TimeoutError as error:
            raise SourceError(f"{what} was silent for {silence_seconds:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise lost(what, error) from error
        if not content:
            raise SourceError(f"{what} was ended by the server")
        for number, line in enumerate(content.split(b"\n")):
            if number:
                joined = b"".join(parts)
                yield joined.removesuffix(b"\r") if len(joined) == length else Overlong(length)
                parts, length = [], 0
            length += len(line)
            if length <= LONGEST_MESSAGE_BYTES:
                parts.append(line)
            else:
                parts.clear()


def lost(what: str, error: Exception) -> SourceError:
    """Return the error for a connection that cannot be established or was lost."""
    reason = getattr(error, "strerror", None) or one_line(str(error)) or type(error).__name__
    return SourceError(f"{what}: {reason}")


async def beginning_of(answer: aiohttp.ClientResponse) -> str:
    """Read the beginning of an answer with an error."""
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return (await answer.content.read(4096)).decode("utf-8", "replace")
    except (TimeoutError, aiohttp.ClientError, OSError):
        return ""
