"""Mastodon: statuses, whose text is HTML in `content`, and events of the streaming API that carry one.

https://docs.joinmastodon.org/entities/Status/ and https://docs.joinmastodon.org/methods/streaming/. The text of a
boost (`reblog`) is that of the boosted status. A content warning (`spoiler_text`) is the first line of the text.
"""

import orjson

from stream.tweets.html_text import html_to_text
from stream.tweets.rejections import Reason, RejectedTweetError
from stream.tweets.shapes.fields import Fields, Json, child, known_id, shown_name

_LONGEST_HTML = 65_536
"""Characters that are converted in the event loop, at most; it takes up to 0.1 s."""
_EDIT = "status.update"
_WITH_STATUS = frozenset({"update", _EDIT})


def matches(found: Json) -> bool:
    """Return whether an object is a status, or an event of the streaming API."""
    if isinstance(found.get("content"), str):
        return _is_event(found) or (found.get("text") is None and found.get("full_text") is None)
    return _is_event(found)


def read(found: Json) -> Fields:
    """Return the fields of a status.

    Raises:
        RejectedTweetError: The event concerns an edit, a deletion or something else than a status.
    """
    status = _carried(found) if _is_event(found) else found
    lang = status.get("language")
    return Fields(
        status.get("id"), status_text(status), found.get("entity"), found.get("lang") if lang is None else lang
    )


def status_text(status: Json) -> object:
    """Return the text of a status: the content warning, if there is one, and the content without HTML.

    Returns:
        The text; the content as it is where it is not a string.

    Raises:
        RejectedTweetError: The HTML is too long.
    """
    source = child(status, "reblog")
    if not source.get("content") and not source.get("spoiler_text"):
        source = status
    content, warning = source.get("content"), source.get("spoiler_text")
    if not isinstance(content, str):
        return content
    if len(content) > _LONGEST_HTML:
        detail = f"the HTML has {len(content)} characters, the limit is {_LONGEST_HTML}"
        raise RejectedTweetError(Reason.TOO_LONG, detail, known_id(status.get("id")))
    text = html_to_text(content)
    return f"{warning.strip()}\n{text}".strip() if isinstance(warning, str) and warning.strip() else text


def _is_event(found: Json) -> bool:
    return isinstance(found.get("event"), str) and ("payload" in found or "stream" in found)


def _carried(event: Json) -> Json:
    kind, payload = event["event"], event.get("payload")
    if kind == "delete":
        raise RejectedTweetError(Reason.DELETION, "the event says that a status was deleted", known_id(payload))
    if kind not in _WITH_STATUS:
        raise RejectedTweetError(Reason.NOT_A_POST, f"the message is an event '{shown_name(kind)}', not a status")
    try:
        status = orjson.loads(payload) if isinstance(payload, str) else payload
    except orjson.JSONDecodeError as error:
        raise RejectedTweetError(Reason.NOT_JSON, f"the event's payload is not JSON: {error.msg}") from error
    if not isinstance(status, dict):
        raise RejectedTweetError(Reason.NOT_AN_OBJECT, "the event's payload is not a JSON object")
    if kind == _EDIT:
        raise RejectedTweetError(Reason.EDIT, "the event says that a status was edited", known_id(status.get("id")))
    return status
