"""The tweets of a soak test: texts of realistic lengths, all different."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import orjson

from stream.commands.demo.demo import sample_tweets
from stream.settings import LimitSettings
from stream.tweets.decoding import decode_tweet
from stream.tweets.rejections import RejectedTweetError

_EVERY_REJECTED = 33
"""One of this many tweets has no text and must be rejected."""
_MICROSECONDS = 1_000_000


class NoTweetsError(Exception):
    """The given file contains no tweet."""


def texts(file: Path | None) -> list[str]:
    """Read the texts, which are used repeatedly.

    Args:
        file: JSON lines with tweets that the service accepts; None: the samples of the demo.

    Raises:
        NoTweetsError: The file contains no tweet.
    """
    found = []
    for line in file.read_bytes().splitlines() if file else sample_tweets():
        with suppress(RejectedTweetError):
            found.append(decode_tweet(line, LimitSettings()).text)
    if not found:
        raise NoTweetsError(f'no tweets in {file}; give a file of JSON lines, each {{"id": "…", "text": "…"}}')
    return found


def message(number: int, due_seconds: float, texts: Sequence[str]) -> bytes:
    """Return a tweet whose id contains its number and due time, since its result contains only the id."""
    text = "" if number % _EVERY_REJECTED == 0 else f"{texts[number % len(texts)]} {number}"
    return orjson.dumps({"id": f"{number}-{due_seconds * _MICROSECONDS:.0f}", "text": text})


def read_id(tweet_id: str) -> tuple[int, float]:
    """Return the number and the due time (seconds of the monotonic clock) from an id."""
    number, _, due = tweet_id.partition("-")
    return int(number), int(due) / _MICROSECONDS
