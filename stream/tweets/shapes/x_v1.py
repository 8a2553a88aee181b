"""X API v1.1, and the tweets of Twitter's archive, which have the same shape.

`id_str`, `full_text` or `text`, `extended_tweet`, `retweeted_status`; a deletion notice is `{"delete": …}`.
"""

from stream.tweets.rejections import Reason, RejectedTweetError
from stream.tweets.shapes.fields import Fields, Json, child

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


def reject_deletion(found: Json) -> None:
    """Reject a notice that a tweet was deleted.

    Raises:
        RejectedTweetError: It is one.
    """
    status = child(child(found, "delete"), "status")
    if status:
        tweet_id = status.get("id_str")
        known = tweet_id if isinstance(tweet_id, str) else None
        raise RejectedTweetError(Reason.DELETION, "the message says that a tweet was deleted", known)


def _own_text(found: Json) -> object:
    extended = child(found, "extended_tweet").get("full_text")
    if extended:
        return extended
    return found["full_text"] if found.get("full_text") is not None else found.get("text")
