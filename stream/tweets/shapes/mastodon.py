"""Mastodon: statuses, whose text is HTML in `content`, and events of the streaming API that carry one.

https://docs.joinmastodon.org/entities/Status/ and https://docs.joinmastodon.org/methods/streaming/. The text of a
boost (`reblog`) is that of the boosted status.
"""

import orjson

from stream.tweets.html_text import html_to_text
from stream.tweets.rejections import Reason, RejectedTweetError
from stream.tweets.shapes.fields import Fields, Json, child

_LONGEST_HTML = 65_536
"""Characters that are converted in the event loop, at most; it takes up to 0.1 s."""
_WITH_STATUS = frozenset({"update", "status.update"})


def matches(found: Json) -> bool:
    """Return whether an object is a status, or an event of the streaming API."""
    has_other_text = found.get("text") is not None or found.get("full_text") is not None
    return _is_event(found) or (isinstance(found.get("content"), str) and not has_other_text)


def read(found: Json) -> Fields:
    """Return the fields of a status.

    Raises:
        RejectedTweetError: The event concerns a deletion or something else than a status.
    """
    status = _carried(found) if _is_event(found) else found
    content = child(status, "reblog").get("content") or status.get("content")
    text = _text(content, status.get("id")) if isinstance(content, str) else content
    return Fields(status.get("id"), text, found.get("entity"), status.get("language"))


def _text(content: str, status_id: object) -> str:
    if len(content) > _LONGEST_HTML:
        detail = f"the HTML has {len(content)} characters, the limit is {_LONGEST_HTML}"
        raise RejectedTweetError(Reason.TOO_LONG, detail, status_id if isinstance(status_id, str) else None)
    return html_to_text(content)


def _is_event(found: Json) -> bool:
    return isinstance(found.get("event"), str) and isinstance(found.get("payload"), str)


def _carried(event: Json) -> Json:
    kind, payload = event["event"], event["payload"]
    if kind == "delete":
        raise RejectedTweetError(Reason.DELETION, "the event says that a status was deleted", payload[:128] or None)
    if kind not in _WITH_STATUS:
        raise RejectedTweetError(Reason.NOT_A_POST, f"the message is an event '{kind[:64]}', not a status")
    try:
        status = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise RejectedTweetError(Reason.NOT_JSON, f"the event's payload is not JSON: {error.msg}") from error
    return status if isinstance(status, dict) else {}
