"""Messages for the broker: posts in the simplest format that nodes accept, and changes of posts."""

from datetime import UTC, datetime
from typing import Literal, NotRequired

import orjson
from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

from stream.feed.events import Deletion, Gap, Post

_DESCRIBED = ConfigDict(use_attribute_docstrings=True)


@with_config(_DESCRIBED)
class Extras(TypedDict):
    """The part of a post that not every source has."""

    lang: NotRequired[str]
    """Language of the post."""
    created_at: NotRequired[str]
    """Time of the post, UTC."""
    entity: NotRequired[str]
    """The entity that the post mentions."""
    author: NotRequired[str]
    """Identifier of the author, if the settings ask for it."""


@with_config(_DESCRIBED)
class PostMessage(Extras):
    """A post, on the topic of tweets."""

    id: str
    """The post's id."""
    text: str
    """The post's text."""
    source: str
    """Name of the source."""


@with_config(_DESCRIBED)
class EditMessage(Extras):
    """The new version of a post, on the topic of changes."""

    kind: Literal["edit"]
    """Kind of the change."""
    id: str
    """The post's id."""
    replaces: NotRequired[list[str]]
    """Ids of earlier versions, where the source gives each version one of its own."""
    text: str
    """The new text."""
    source: str
    """Name of the source."""


@with_config(_DESCRIBED)
class DeletionMessage(TypedDict):
    """The deletion of a post, on the topic of changes: consumers have to honour it."""

    kind: Literal["deletion"]
    """Kind of the change."""
    id: str
    """The post's id."""
    deleted_at: NotRequired[str | None]
    """Time of the deletion, UTC."""
    source: str
    """Name of the source."""


@with_config(_DESCRIBED)
class GapMessage(TypedDict):
    """A time whose posts cannot be had, on the topic of changes."""

    kind: Literal["gap"]
    """Kind of the change."""
    reason: str
    """Reason of the gap."""
    seconds: float | None
    """Length of the gap; null: unknown."""
    since: NotRequired[str | None]
    """Beginning of the gap, UTC."""
    source: str
    """Name of the source."""


def post_message(post: Post, source: str) -> bytes:
    """Encode a post for the topic of tweets."""
    message: PostMessage = {"id": post.id, "text": post.text, **_extras(post), "source": source}
    return orjson.dumps(message)


def edit_message(post: Post, source: str) -> bytes:
    """Encode the new version of a post for the topic of changes."""
    message: EditMessage = {
        "kind": "edit",
        "id": post.id,
        "replaces": list(post.replaces),
        "text": post.text,
        **_extras(post),
        "source": source,
    }
    if not post.replaces:
        del message["replaces"]
    return orjson.dumps(message)


def deletion_message(deletion: Deletion, source: str) -> bytes:
    """Encode a deletion for the topic of changes."""
    message: DeletionMessage = {"kind": "deletion", "id": deletion.id, "source": source}
    if deletion.at is not None:
        message["deleted_at"] = utc(deletion.at)
    return orjson.dumps(message)


def gap_message(gap: Gap, source: str) -> bytes:
    """Encode a gap for the topic of changes."""
    message: GapMessage = {"kind": "gap", "reason": gap.reason, "seconds": gap.seconds, "source": source}
    if gap.since is not None:
        message["since"] = utc(gap.since)
    return orjson.dumps(message)


def utc(seconds: float) -> str | None:
    """Return a time as ISO 8601; None where it is no date, as after a jump of a clock."""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (OverflowError, OSError, ValueError):
        return None


def _extras(post: Post) -> Extras:
    extras: Extras = {}
    if post.languages:
        extras["lang"] = post.languages[0]
    if post.at is not None and (created_at := utc(post.at)) is not None:
        extras["created_at"] = created_at
    if post.entity is not None:
        extras["entity"] = post.entity
    if post.author is not None:
        extras["author"] = post.author
    return extras
