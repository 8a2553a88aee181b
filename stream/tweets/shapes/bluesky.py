"""Bluesky: commits of a Jetstream, and posts as the AppView's API gives them.

Jetstream: https://github.com/bluesky-social/jetstream. Version 1 has the commit inside the event, version 2 the event's
type in `$type` and the commit's fields beside it. `app.bsky.feed.post` records have `text` and `langs`. A post's id is
its AT URI.
"""

from typing import NoReturn

from stream.tweets.rejections import Reason, RejectedTweetError
from stream.tweets.shapes.fields import Fields, Json, child, known_id, shown_name

_POSTS = "app.bsky.feed.post"
_VERSION_2 = "network.bsky.jetstream.subscribeEvents#"


def matches(found: Json) -> bool:
    """Return whether an object is a Jetstream event, a post view, or a feed entry with a post view."""
    return _is_event(found) or _is_view(found) or _is_view(child(found, "post"))


def read(found: Json) -> Fields:
    """Return the fields of a post.

    Raises:
        RejectedTweetError: The event concerns an edit, a deletion or something else than a post.
    """
    if _is_event(found):
        return _read_event(found)
    view = found if _is_view(found) else child(found, "post")
    return _fields(view["uri"], child(view, "record"), found)


def _is_event(found: Json) -> bool:
    return isinstance(found.get("did"), str) and ("kind" in found or _is_version_2(found))


def _is_version_2(found: Json) -> bool:
    kind = found.get("$type")
    return isinstance(kind, str) and kind.startswith((_VERSION_2, "#"))


def _is_view(found: Json) -> bool:
    return isinstance(found.get("uri"), str) and isinstance(found.get("record"), dict)


def _read_event(event: Json) -> Fields:
    kind = event["kind"] if "kind" in event else event["$type"].partition("#")[2]
    if kind != "commit":
        _reject_other(f"an event of kind '{shown_name(kind)}'")
    commit = child(event, "commit") if "kind" in event else event
    if commit.get("collection") != _POSTS:
        _reject_other(f"a commit to '{shown_name(commit.get('collection'))}'")
    key = commit.get("rkey")
    uri = f"at://{event['did']}/{_POSTS}/{key}" if isinstance(key, str) and key else None
    operation = commit.get("operation")
    if operation == "delete":
        raise RejectedTweetError(Reason.DELETION, "the commit deletes a post", known_id(uri))
    if operation == "update":
        raise RejectedTweetError(Reason.EDIT, "the commit changes a post", known_id(uri))
    if operation != "create":
        _reject_other("a commit that neither creates, changes nor deletes")
    return _fields(uri, child(commit, "record"), event)


def _fields(uri: object, record: Json, outer: Json) -> Fields:
    languages = record.get("langs")
    lang = languages[0] if isinstance(languages, list) and languages else outer.get("lang")
    return Fields(uri, record.get("text"), outer.get("entity"), lang)


def _reject_other(what: str) -> NoReturn:
    raise RejectedTweetError(Reason.NOT_A_POST, f"the message is {what}, not a post")
