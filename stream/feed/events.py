"""Events of a source: posts, edits, deletions, gaps, and signs that the connection works."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Cursor = Mapping[str, Any]
"""A position in a source, as JSON; everything before it has been received."""
LONGEST_LANGUAGE = 35
"""Characters of a language tag that are kept (RFC 5646, 4.4.1)."""


class Reason(StrEnum):
    """Reason why a post, or a message of a source, is not published."""

    NOT_JSON = "not_json"
    TOO_LARGE = "too_large"
    NOT_A_POST = "not_a_post"
    """A message of the stream that concerns something else, or is of an unknown kind."""
    NO_ID = "no_id"
    NO_TEXT = "no_text"
    BAD_TEXT = "bad_text"
    TOO_LONG = "too_long"
    NOT_PUBLIC = "not_public"
    OPTED_OUT = "opted_out"
    """A post of a user who does not want it to be indexed."""
    CONTENT_WARNING = "content_warning"
    LANGUAGE = "language"
    WORDS = "words"
    ENTITIES = "entities"
    REPEATED = "repeated"
    """A post that this process has published before."""


@dataclass(frozen=True, slots=True)
class Post:
    """A post, or the new version of an edited one."""

    id: str
    text: str
    cursor: Cursor | None
    """None: the message has no position that could be stored."""
    at: float | None = None
    """Time of the event by the source's clock, in seconds since the epoch."""
    languages: tuple[str, ...] = ()
    entity: str | None = None
    author: str | None = None
    """Identifier of the author; None unless the settings ask for it."""
    edited: bool = False
    """True for a new version of a post."""
    version: str = ""
    """Differs between the versions of a post."""
    replaces: tuple[str, ...] = ()
    """Identifiers of earlier versions, where the source gives each version one of its own."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """A deletion of a post, which consumers have to honour."""

    id: str
    cursor: Cursor | None
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """A time whose posts cannot be had."""

    reason: str
    seconds: float | None
    """Length of the time; None: unknown."""
    since: float | None = None
    """Beginning of the time, in seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """A message of the source that is not to be published."""

    reason: Reason
    cursor: Cursor | None = None
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """The beginning of a connection."""

    address: str


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A sign that the connection works, where no post has come."""

    cursor: Cursor | None = None


Event = Post | Deletion | Gap | Ignored | Opened | Heartbeat
