"""X API v1.1, and the tweets of Twitter's archive, which have the same shape.

`id_str`, `full_text` or `text`, `extended_tweet`, `retweeted_status`. A notice of the streams of both versions of the
API has one key, for example `{"delete": …}`.
"""

from stream.tweets.rejections import Reason, RejectedTweetError
from stream.tweets.shapes.fields import Fields, Json, child, known_id

_NOTICES = frozenset(
    {"limit", "warning", "disconnect", "scrub_geo", "status_withheld", "user_withheld", "tweet_withheld"}
)
"""Keys of messages of a stream that are about something else than one post."""
_KEYS = frozenset({"id_str", "full_text", "extended_tweet", "retweeted_status"})


def matches(found: Json) -> bool:
    """Return whether an object has a key that only v1.1 has."""
    return not _KEYS.isdisjoint(found)


def read(found: Json) -> Fields:
    """Return the fields of a tweet; a retweet has the whole text of the original."""
    # The number is the second choice, because JavaScript rounds it.
    tweet_id = found.get("id_str")
    if tweet_id is None:
        tweet_id = found.get("id")
    text = _own_text(child(found, "retweeted_status")) or _own_text(found)
    return Fields(tweet_id, text, found.get("entity"), found.get("lang"))


def reject_notice(found: Json) -> None:
    """Reject a stream's notice that a tweet was deleted or edited, or that concerns something else than a post.

    Raises:
        RejectedTweetError: It is one.
    """
    deleted, edited = child(found, "delete"), child(found, "tweet_edit")
    if status := child(deleted, "status") or child(deleted, "tweet"):
        raise RejectedTweetError(Reason.DELETION, "the message says that a tweet was deleted", _notice_id(status))
    if status := child(edited, "tweet"):
        raise RejectedTweetError(Reason.EDIT, "the message says that a tweet was edited", _notice_id(status))
    if not _NOTICES.isdisjoint(found) and "text" not in found:
        raise RejectedTweetError(Reason.NOT_A_POST, "the message is a notice of the stream, not a post")


def _notice_id(status: Json) -> str | None:
    return known_id(status.get("id_str") or status.get("id"))


def _own_text(found: Json) -> object:
    extended = child(found, "extended_tweet").get("full_text")
    if extended:
        return extended
    return found["full_text"] if found.get("full_text") is not None else found.get("text")
