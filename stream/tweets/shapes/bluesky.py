"""Bluesky: commits of a Jetstream, and posts as the AppView's API gives them.

Jetstream: https://github.com/bluesky-social/jetstream; `app.bsky.feed.post` records have `text` and `langs`. A post's
id is its AT URI.
"""

from typing import NoReturn

from stream.tweets.rejections import Reason, RejectedTweetError
from stream.tweets.shapes.fields import Fields, Json, child

_POSTS = "app.bsky.feed.post"
_EVENT_KINDS = ("commit", "identity", "account")


def matches(found: Json) -> bool:
    """Return whether an object is a Jetstream event, a post view, or a feed entry with a post view."""
    return _is_event(found) or _is_view(found) or _is_view(child(found, "post"))


def read(found: Json) -> Fields:
    """Return the fields of a post.

    Raises:
        RejectedTweetError: The event concerns a deletion or something else than a post.
    """
    if _is_event(found):
        return _read_event(found)
    view = found if _is_view(found) else child(found, "post")
    return _fields(view["uri"], child(view, "record"), found)


def _is_event(found: Json) -> bool:
    return isinstance(found.get("did"), str) and found.get("kind") in _EVENT_KINDS


def _is_view(found: Json) -> bool:
    return isinstance(found.get("uri"), str) and isinstance(found.get("record"), dict)


def _read_event(event: Json) -> Fields:
    commit = child(event, "commit")
    if event["kind"] != "commit":
        _reject_other(f"an event of kind '{event['kind']}'")
    if commit.get("collection") != _POSTS:
        _reject_other(f"a commit to {str(commit.get('collection'))[:64]}")
    uri = f"at://{event['did']}/{_POSTS}/{commit.get('rkey')}"
    if commit.get("operation") == "delete":
        raise RejectedTweetError(Reason.DELETION, "the commit deletes a post", uri)
    return _fields(uri, child(commit, "record"), event)


def _fields(uri: object, record: Json, outer: Json) -> Fields:
    languages = record.get("langs")
    lang = languages[0] if isinstance(languages, list) and languages else None
    return Fields(uri, record.get("text"), outer.get("entity"), lang)


def _reject_other(what: str) -> NoReturn:
    raise RejectedTweetError(Reason.NOT_A_POST, f"the message is {what}, not a post")
