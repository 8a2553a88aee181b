"""Messages of Bluesky's Jetstream, version 1 and 2.

Version 1: https://github.com/bluesky-social/jetstream-legacy, bare JSON objects with `kind` and `time_us`. Version 2:
the lexicon network.bsky.jetstream.subscribeEvents, frames `{"$type": "message", "payload": {…}}` with `seq` and `time`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from stream.feed.events import LONGEST_LANGUAGE, Cursor, Deletion, Event, Ignored, Post, Reason

POSTS = "app.bsky.feed.post"
_NAMESPACE = "network.bsky.jetstream.subscribeEvents#"
_LONGEST_DID, _LONGEST_KEY = 2048, 512
"""Limits of the AT protocol."""
_MICROSECONDS = 1_000_000
_FARTHEST_JUMP_SECONDS = 36 * 3600
"""Jetstream keeps events for 36 hours; a single time farther ahead than this is a mistake."""
_JUMPS_BELIEVED = 100


@dataclass(frozen=True, slots=True)
class StreamError:
    """A message after which the server ends the connection."""

    name: str
    detail: str


@dataclass(frozen=True, slots=True)
class OutdatedCursor:
    """A notice that the stream begins later than the position that was asked for."""


class JetstreamReader:
    """Turns messages of one connection into events.

    Args:
        instance: Address of the server, which version 2's sequence numbers belong to.
        authors: Whether identifiers contain the author.
    """

    def __init__(self, instance: str, *, authors: bool) -> None:
        self._instance = instance
        self._authors = authors
        self._last_us: int | None = None
        self._jumps = 0

    def read(self, message: bytes) -> Event | StreamError | OutdatedCursor:
        """Return the event of a message."""
        try:
            found = orjson.loads(message)
        except orjson.JSONDecodeError:
            return Ignored(Reason.NOT_JSON)
        if not isinstance(found, dict):
            return Ignored(Reason.NOT_A_POST)
        kind = found.get("$type")
        if kind == "error":
            return StreamError(str(found.get("error")), str(found.get("message", "")))
        if kind == "message":
            payload = found.get("payload")
            return self._read_2(payload) if isinstance(payload, dict) else Ignored(Reason.NOT_A_POST)
        return self._read_1(found)

    def _read_1(self, found: Mapping[str, Any]) -> Event:
        time_us = _whole(found.get("time_us"))
        cursor = self._cursor(time_us, _whole(found.get("cursor")))
        commit = found.get("commit")
        if found.get("kind") != "commit" or not isinstance(commit, dict):
            return Ignored(Reason.NOT_A_POST, cursor, _seconds(time_us))
        return self._commit(found.get("did"), commit, cursor, _seconds(time_us))

    def _read_2(self, payload: Mapping[str, Any]) -> Event | OutdatedCursor:
        kind = payload.get("$type")
        if kind == f"{_NAMESPACE}info":
            return OutdatedCursor() if payload.get("name") == "OutdatedCursor" else Ignored(Reason.NOT_A_POST)
        time_us = _microseconds(payload.get("time"))
        cursor = self._cursor(time_us, _whole(payload.get("seq")))
        if kind != f"{_NAMESPACE}commit":
            return Ignored(Reason.NOT_A_POST, cursor, _seconds(time_us))
        return self._commit(payload.get("did"), payload, cursor, _seconds(time_us))

    def _commit(self, did: object, commit: Mapping[str, Any], cursor: Cursor | None, at: float | None) -> Event:
        key, operation = commit.get("rkey"), commit.get("operation")
        if commit.get("collection") != POSTS or operation not in ("create", "update", "delete"):
            return Ignored(Reason.NOT_A_POST, cursor, at)
        if not _is_text(did, _LONGEST_DID) or not _is_text(key, _LONGEST_KEY):
            return Ignored(Reason.NO_ID, cursor, at)
        identifier = self._identifier(str(did), str(key))
        if operation == "delete":
            return Deletion(identifier, cursor, at)
        record = commit.get("record")
        text = record.get("text") if isinstance(record, dict) else None
        if not isinstance(text, str):
            return Ignored(Reason.NO_TEXT if text is None else Reason.BAD_TEXT, cursor, at)
        return Post(
            identifier,
            text,
            cursor,
            at,
            languages=_languages(record),
            author=str(did) if self._authors else None,
            edited=operation == "update",
            version=str(commit.get("rev", ""))[:64],
        )

    def _identifier(self, did: str, key: str) -> str:
        """Return the post's address, which names the author; else its hash, by which a deletion finds the post."""
        address = f"at://{did}/{POSTS}/{key}"
        return address if self._authors else f"bluesky/{hashlib.sha256(address.encode()).hexdigest()[:32]}"

    def _cursor(self, time_us: int | None, sequence: int | None) -> Cursor | None:
        """Return the position after a message; None where its time cannot be right."""
        if time_us is None or self._jumps_ahead(time_us):
            return None
        self._last_us = time_us
        if sequence is None:
            return {"time_us": time_us}
        return {"time_us": time_us, "seq": sequence, "instance": self._instance}

    def _jumps_ahead(self, time_us: int) -> bool:
        """Return whether a time is far after that of the message before, until many messages say the same.

        A position in the future would make the server begin with what comes next, and lose what came meanwhile.
        """
        if self._last_us is None or time_us - self._last_us < _FARTHEST_JUMP_SECONDS * _MICROSECONDS:
            self._jumps = 0
            return False
        self._jumps += 1
        return self._jumps <= _JUMPS_BELIEVED


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _is_text(value: object, longest: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= longest and value.isprintable() and value.isascii()


def _languages(record: object) -> tuple[str, ...]:
    languages = record.get("langs") if isinstance(record, dict) else None
    if not isinstance(languages, list):
        return ()
    return tuple(each[:LONGEST_LANGUAGE] for each in languages[:8] if isinstance(each, str) and each)


def _microseconds(value: object) -> int | None:
    """Return a time of RFC 3339 in microseconds since the epoch."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * _MICROSECONDS + since.microseconds


def _seconds(time_us: int | None) -> float | None:
    return None if time_us is None else time_us / _MICROSECONDS
