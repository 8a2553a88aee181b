"""The tweets of a soak: texts of the lengths that real ones have, no two of them the same."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import orjson

from stream.commands.demo.demo import sample_tweets
from stream.settings import LimitSettings
from stream.tweets.decoding import decode_tweet
from stream.tweets.rejections import RejectedTweetError

_EVERY_REJECTED = 33
"""Of so many tweets, one has no text and is to be rejected."""
_MICROSECONDS = 1_000_000


class NoTweetsError(Exception):
    """The file that was given holds nothing to send."""


def texts(file: Path | None) -> list[str]:
    """Read the texts to cycle through.

    Args:
        file: JSON lines, each a tweet as the service takes them; None: the samples that the demo sends.

    Raises:
        NoTweetsError: There is none in the file.
    """
    found = []
    for line in file.read_bytes().splitlines() if file else sample_tweets():
        with suppress(RejectedTweetError):
            found.append(decode_tweet(line, LimitSettings()).text)
    if not found:
        raise NoTweetsError(f'no tweets in {file}; give a file of JSON lines, each {{"id": "…", "text": "…"}}')
    return found


def message(number: int, due_seconds: float, texts: Sequence[str]) -> bytes:
    """Write a tweet whose id tells which it is and when it was due, for its result carries the id and nothing else."""
    text = "" if number % _EVERY_REJECTED == 0 else f"{texts[number % len(texts)]} {number}"
    return orjson.dumps({"id": f"{number}-{due_seconds * _MICROSECONDS:.0f}", "text": text})


def read_id(tweet_id: str) -> tuple[int, float]:
    """Get the number and the due time, in seconds on the machine's monotonic clock, back from an id."""
    number, _, due = tweet_id.partition("-")
    return int(number), int(due) / _MICROSECONDS
