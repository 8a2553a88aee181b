"""Invented posts in the shapes of the sources."""

from typing import Any

import orjson

TEXTS = (
    "the new ferry timetable is a joke, three hours between boats",
    "first frost on the allotment, the kale finally tastes right",
    "our bakery opens at six tomorrow",
    "Kaffee am Bahnhof schon wieder ausverkauft, schade",
    "the museum lift is out of order until Friday",
)
LANGUAGES = ("en", "en", "en-GB", "de", "en")
START_US = 1_764_300_000_000_000
"""Time of the first post, in microseconds since the epoch."""


def jetstream_commit(number: int, **changes: Any) -> dict[str, Any]:
    """Return the content of a commit, which version 1 and version 2 wrap differently."""
    commit = {
        "did": f"did:plc:writer{number % 7}",
        "time_us": START_US + number * 1000,
        "seq": number + 1,
        "rev": f"rev{number}",
        "operation": "create",
        "collection": "app.bsky.feed.post",
        "rkey": f"key{number}",
        "record": {
            "$type": "app.bsky.feed.post",
            "createdAt": "2025-11-28T03:20:00.000Z",
            "text": f"{TEXTS[number % len(TEXTS)]} ({number})",
            "langs": [LANGUAGES[number % len(LANGUAGES)]],
        },
        "cid": "bafyreifakefakefake",
    }
    return commit | changes


def mastodon_status(number: int, **changes: Any) -> dict[str, Any]:
    """Return a status as the streaming API sends it."""
    status: dict[str, Any] = {
        "id": str(110_000_000 + number),
        "created_at": "2026-11-28T03:20:00.000Z",
        "edited_at": None,
        "sensitive": False,
        "spoiler_text": "",
        "visibility": "public",
        "language": LANGUAGES[number % len(LANGUAGES)][:2],
        "uri": f"https://mastodon.example/users/writer/statuses/{110_000_000 + number}",
        "content": f"<p>{TEXTS[number % len(TEXTS)]} &amp; more ({number})</p>",
        "reblog": None,
        "account": {"id": "7", "username": "writer", "acct": "writer", "bot": False, "noindex": False},
        "media_attachments": [],
        "mentions": [],
        "tags": [],
        "poll": None,
    }
    return status | changes


def x_post(number: int, tag: str = "ferries", **changes: Any) -> dict[str, Any]:
    """Return a line of the filtered stream."""
    tweet = {
        "id": str(1_900_000_000_000 + number),
        "text": f"{TEXTS[number % len(TEXTS)]} ({number})",
        "lang": LANGUAGES[number % len(LANGUAGES)][:2],
        "created_at": "2026-11-28T03:20:00.000Z",
        "edit_history_tweet_ids": [str(1_900_000_000_000 + number)],
    }
    return {"data": tweet | changes, "matching_rules": [{"id": "1", "tag": tag}]}


def line(message: dict[str, Any]) -> bytes:
    """Return a message as a line of the filtered stream."""
    return orjson.dumps(message) + b"\r\n"
