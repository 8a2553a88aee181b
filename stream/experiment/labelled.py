"""Labelled tweets for an experiment: JSON lines as the service reads them, each with its gold polarity."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import orjson

from stream.errors import InputError
from stream.files import read_file
from stream.settings import LimitSettings
from stream.tweets.decoding import decode_tweet
from stream.tweets.lines import without_byte_order_mark
from stream.tweets.polarity import POLARITIES, Polarity
from stream.tweets.rejections import RejectedTweetError
from stream.tweets.tweet import Tweet


@dataclass(frozen=True, slots=True)
class GoldTweet:
    """A tweet and its gold label."""

    tweet: Tweet
    polarity: Polarity


def read_labelled(path: Path) -> list[GoldTweet]:
    """Read a file of labelled tweets, gzipped or not.

    Raises:
        InputError: It cannot be read or is empty, or a line is not a tweet with a polarity; names the line.
    """
    tweets = list(_parsed(without_byte_order_mark(read_file(path)).splitlines(), path))
    if not tweets:
        raise InputError(f"{path} holds no tweets")
    return tweets


def chosen(tweets: Sequence[GoldTweet], shuffle_seed: int, most: int | None) -> list[GoldTweet]:
    """Choose `most` tweets at random, the same for every run of a plan; all tweets if `most` is None or larger."""
    if most is None or most >= len(tweets):
        return list(tweets)
    numbers = sorted(random.Random(f"choice {shuffle_seed}").sample(range(len(tweets)), most))  # noqa: S311  (no secret)
    return [tweets[number] for number in numbers]


def in_order_of(tweets: Sequence[GoldTweet], seed: int) -> list[GoldTweet]:
    """Shuffle tweets; the same seed gives the same order."""
    shuffled = list(tweets)
    random.Random(seed).shuffle(shuffled)  # noqa: S311  (no secret)
    return shuffled


def _parsed(lines: list[bytes], path: Path) -> Iterator[GoldTweet]:
    limits = LimitSettings()
    for number, line in enumerate(lines, start=1):
        where = f"{path}, line {number}"
        try:
            tweet = decode_tweet(line, limits)
        except RejectedTweetError as error:
            raise InputError(f"{where}: {error.reason}: {error}") from error
        polarity = orjson.loads(line).get("polarity")
        if polarity not in POLARITIES:
            raise InputError(f"{where} has no 'polarity' that is one of {', '.join(POLARITIES)}")
        yield GoldTweet(tweet, cast("Polarity", polarity))
