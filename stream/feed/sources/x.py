"""X: the filtered stream of API version 2.

https://docs.x.com/x-api/posts/filtered-stream/introduction. Each post is one line of JSON; an empty line every 20
seconds keeps the connection alive. The stream has no deletions. Without Enterprise access it has no replay either.
"""

import math
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import aiohttp
import orjson

from stream.feed.delays import DocumentedDelays
from stream.feed.events import LONGEST_LANGUAGE, Cursor, Event, Heartbeat, Ignored, Opened, Post, Reason
from stream.feed.http import CONNECT_SECONDS, authorization, beginning_of, lost, one_line, read_lines, refusal
from stream.feed.source import Delays, SourceError, TokenError
from stream.feed.sources.outage import missed, until_now
from stream.settings import Settings
from stream.tweets.lines import Overlong

STREAM = "2/tweets/search/stream"
ADVICE = "write the app's bearer token into a file, and name the file in x.token_file; see docs/feed.md"
_FIELDS = "created_at,edit_history_tweet_ids,lang,note_tweet"
_LONGEST_ID = 32
_LONGEST_ENTITY = 256


class XSource:
    """Posts that match the app's rules.

    Args:
        settings: The settings.
        session: Makes the connections.
        known_entity: Returns the settings' spelling of an entity; None where they do not list it.

    Raises:
        SettingsError: The settings name no token, or its file cannot be read.
    """

    name = "x"
    charges_per_post = True

    def __init__(
        self,
        settings: Settings,
        session: aiohttp.ClientSession,
        known_entity: Callable[[str], str | None] = lambda _name: None,
    ) -> None:
        self._settings = settings.x
        self._session = session
        self._authors = settings.feed.authors
        self._most_bytes = settings.limits.payload_bytes
        self._known_entity = known_entity
        self._headers = x_headers(settings)
        self.identity = f"x {self._settings.server}"
        self.allowed_silence_seconds = self._settings.keepalive_seconds + CONNECT_SECONDS

    def delays(self) -> Delays:
        """Return the delays that X asks for."""
        return DocumentedDelays()

    async def connect(self, cursor: Cursor | None) -> AsyncGenerator[Event]:
        """Connect, and yield the matching posts."""
        what = f"the stream of {self._settings.server}"
        minutes = self._backfill_minutes(cursor)
        try:
            async with self._session.get(
                f"{self._settings.server}/{STREAM}", params=self._parameters(minutes), headers=self._headers
            ) as answer:
                if answer.status != HTTPStatus.OK:
                    raise refusal(what, answer.status, answer.headers, await beginning_of(answer), ADVICE)
                yield Opened(what)
                if gap := missed(cursor, 60.0 * minutes):
                    yield gap
                lines = read_lines(answer, self._settings.keepalive_seconds, what)
                async with aclosing(lines):
                    async for line in lines:
                        yield Heartbeat(until_now()) if line == b"" else self._event(line, what)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise lost(f"cannot connect to {self._settings.server}", error) from error

    def _parameters(self, minutes: int) -> dict[str, str]:
        fields = f"{_FIELDS},author_id" if self._authors else _FIELDS
        return {"tweet.fields": fields} | ({"backfill_minutes": str(minutes)} if minutes else {})

    def _backfill_minutes(self, cursor: Cursor | None) -> int:
        """Return the whole minutes since the position, at most as many as the settings allow."""
        since = None if cursor is None else cursor.get("at")
        if not isinstance(since, int | float):
            return 0
        return min(max(0, math.ceil((time.time() - since) / 60)), self._settings.backfill_minutes)

    def _event(self, line: bytes | Overlong, what: str) -> Event:
        position = until_now()
        if isinstance(line, Overlong) or len(line) > self._most_bytes:
            return Ignored(Reason.TOO_LARGE, position)
        try:
            found = orjson.loads(line)
        except orjson.JSONDecodeError:
            return Ignored(Reason.NOT_JSON, position)
        if not isinstance(found, dict):
            return Ignored(Reason.NOT_A_POST, position)
        tweet = found.get("data")
        if not isinstance(tweet, dict):
            _raise_disconnect(found, what)
            return Ignored(Reason.NOT_A_POST, position)
        return self._post(tweet, found, position)

    def _post(self, tweet: Mapping[str, Any], found: Mapping[str, Any], position: Cursor) -> Event:
        at = _seconds(tweet.get("created_at"))
        identifier = tweet.get("id")
        if not isinstance(identifier, str) or not identifier.isalnum() or len(identifier) > _LONGEST_ID:
            return Ignored(Reason.NO_ID, position, at)
        text = _text(tweet)
        if not isinstance(text, str):
            return Ignored(Reason.NO_TEXT if text is None else Reason.BAD_TEXT, position, at)
        language, author = tweet.get("lang"), tweet.get("author_id")
        earlier = _earlier_versions(tweet, identifier)
        return Post(
            identifier,
            text,
            position,
            at,
            languages=(language[:LONGEST_LANGUAGE],) if isinstance(language, str) and language else (),
            entity=self._entity(found.get("matching_rules")),
            author=author if self._authors and isinstance(author, str) else None,
            edited=bool(earlier),
            replaces=earlier,
        )

    def _entity(self, rules: object) -> str | None:
        """Return the tag of a rule that the post matches: first one that names an entity of the settings."""
        rules = rules if isinstance(rules, list) else []
        tags = [rule.get("tag") for rule in rules if isinstance(rule, dict)]
        named = [tag[:_LONGEST_ENTITY] for tag in tags if isinstance(tag, str) and tag.strip()]
        known = (self._known_entity(tag) for tag in named)
        return next((entity for entity in known if entity is not None), named[0] if named else None)


def x_headers(settings: Settings) -> dict[str, str]:
    """Return the header with the token.

    Raises:
        SettingsError: The settings name no token, or its file cannot be read.
    """
    if settings.x.token_file is None:
        raise TokenError(f"X needs a token: {ADVICE}")
    return authorization("x.token_file", settings.x.token_file)


def _raise_disconnect(found: Mapping[str, Any], what: str) -> None:
    """Raise the error of a message after which X ends the connection.

    Raises:
        SourceError: It is one.
    """
    errors = found.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else found if "title" in found else None
    if isinstance(first, dict):
        detail = first.get("detail") or first.get("title") or "an error without a description"
        raise SourceError(f"{what} was ended by X: {one_line(str(detail))}")


def _text(tweet: Mapping[str, Any]) -> object:
    note = tweet.get("note_tweet")
    return (note.get("text") if isinstance(note, dict) else None) or tweet.get("text")


def _earlier_versions(tweet: Mapping[str, Any], identifier: str) -> tuple[str, ...]:
    versions = tweet.get("edit_history_tweet_ids")
    versions = versions if isinstance(versions, list) else []
    return tuple(
        version for version in versions[:16] if isinstance(version, str) and version.isalnum() and version != identifier
    )


def _seconds(value: object) -> float | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
