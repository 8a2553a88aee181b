"""Messages for the broker: posts in the simplest format that nodes accept, and changes of posts."""

from datetime import UTC, datetime
from typing import Any

import orjson

from stream.feed.events import Deletion, Gap, Post


def post_message(post: Post, source: str) -> bytes:
    """Encode a post for the topic of tweets."""
    return orjson.dumps({"id": post.id, "text": post.text, **_extras(post), "source": source})


def edit_message(post: Post, source: str) -> bytes:
    """Encode the new version of a post for the topic of changes."""
    replaces = {"replaces": list(post.replaces)} if post.replaces else {}
    message = {"kind": "edit", "id": post.id, **replaces, "text": post.text, **_extras(post), "source": source}
    return orjson.dumps(message)


def deletion_message(deletion: Deletion, source: str) -> bytes:
    """Encode a deletion for the topic of changes."""
    at = {} if deletion.at is None else {"deleted_at": utc(deletion.at)}
    return orjson.dumps({"kind": "deletion", "id": deletion.id, **at, "source": source})


def gap_message(gap: Gap, source: str) -> bytes:
    """Encode a gap for the topic of changes."""
    message: dict[str, Any] = {"kind": "gap", "reason": gap.reason, "seconds": gap.seconds}
    if gap.since is not None:
        message["since"] = utc(gap.since)
    return orjson.dumps(message | {"source": source})


def utc(seconds: float) -> str | None:
    """Return a time as ISO 8601; None where it is no date, as after a jump of a clock."""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (OverflowError, OSError, ValueError):
        return None


def _extras(post: Post) -> dict[str, str]:
    extras = {
        "lang": post.languages[0] if post.languages else None,
        "created_at": None if post.at is None else utc(post.at),
        "entity": post.entity,
        "author": post.author,
    }
    return {key: value for key, value in extras.items() if value is not None}
