"""Malformed messages: each shape with a wrong value in each of its fields, and JSON that parsers disagree about."""

import copy
from collections.abc import Iterator
from typing import Any

import orjson

from tests.unit.tweets.test_shapes import COMMIT, COMMIT_FIELDS, DID, EVENT, RECORD, STATUS, URI, V2_RETWEET, included

HIDDEN = "ʘ"
"""Stands for a tweet's text: no rejection may have it, raw or escaped."""

SHAPES: dict[str, Any] = {
    "X v2": {"id": "7", "text": HIDDEN, "lang": "en", "entity": "Acme", "note_tweet": {"text": HIDDEN}},
    "X v2, wrapped": {"data": V2_RETWEET, "includes": included(text=HIDDEN), "lang": "en", "entity": "Acme"},
    "X v1.1": {
        "id": 7,
        "id_str": "7",
        "full_text": HIDDEN,
        "extended_tweet": {"full_text": HIDDEN},
        "retweeted_status": {"id_str": "9", "full_text": HIDDEN, "extended_tweet": {"full_text": HIDDEN}},
    },
    "archive": {"tweet": {"id_str": "7", "full_text": HIDDEN}, "entity": "Acme"},
    "X deletion": {"delete": {"status": {"id": 7, "id_str": "7"}}},
    "X edit": {"tweet_edit": {"tweet": {"id": "7"}}},
    "Jetstream": {**COMMIT, "commit": {**COMMIT_FIELDS, "record": {**RECORD, "text": HIDDEN}}},
    "Jetstream 2": {"$type": "#commit", "did": DID, **COMMIT_FIELDS, "record": {**RECORD, "text": HIDDEN}},
    "Bluesky": {"post": {"uri": URI, "record": {**RECORD, "text": HIDDEN}}},
    "Mastodon": {**STATUS, "content": HIDDEN, "spoiler_text": HIDDEN, "reblog": {"id": "9", "content": HIDDEN}},
    "Mastodon event": {"stream": ["public"], "event": "update", "payload": {**STATUS, "content": HIDDEN}},
    "Mastodon edit": {"event": "status.update", "payload": {**STATUS, "content": HIDDEN}},
    "CloudEvents": {**EVENT, "datacontenttype": "application/json", "data": {"id": "7", "text": HIDDEN}},
    "CloudEvents, base64": {**EVENT, "data_base64": "eyJpZCI6IjciLCJ0ZXh0IjoiYSJ9"},
}
_PLACE = "@place@"
WRONG: dict[str, bytes] = {
    "null": b"null",
    "true": b"true",
    "zero": b"0",
    "beyond 64 bits": b"18446744073709551616",
    "four thousand digits": b"9" * 4000,
    "beyond a float": b"1e999",
    "minus zero": b"-0.0",
    "not a number": b"NaN",
    "infinite": b"-Infinity",
    "empty text": b'""',
    "blank": b'" \\n\\u3000"',
    "text": b'"' + HIDDEN.encode() + b'"',
    "long text": b'"' + HIDDEN.encode() * 5000 + b'"',
    "control characters": b'"\\u0000\\u001b[2J\\u009b"',
    "lone surrogate": b'"\\ud800"',
    "no UTF-8": b'"\xff"',
    "tags": b'"' + b"<a b=" * 2000 + b'"',
    "list": b"[]",
    "list of lists": b"[[[]],{},null]",
    "object": b"{}",
    "other object": b'{"id":{"id":[]},"text":{"text":0},"status":7,"commit":[],"record":"x"}',
    "deep": b'{"a":' * 400 + b"7" + b"}" * 400,
    "deeper than parsers go": b"[" * 5000 + b"]" * 5000,
    "an event": orjson.dumps(EVENT),
    "twice": b'"a","id":[],"text":{}',
}


def wrong_messages(shape: Any) -> Iterator[tuple[str, bytes]]:
    """Yield a shape with each wrong value in each of its fields, and without each field; each with its description."""
    for path in _paths(shape):
        where = ".".join(map(str, path))
        changed = copy.deepcopy(shape)
        place = changed
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = _PLACE
        template = orjson.dumps(changed)
        for name, value in WRONG.items():
            yield f"{where}: {name}", template.replace(f'"{_PLACE}"'.encode(), value)
        del place[path[-1]]
        yield f"{where}: missing", orjson.dumps(changed)


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from _paths(inner, (*path, key))
