"""Input of a benchmark: tweets, or token ids of one length."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from stream.errors import BenchError, InputError
from stream.labelling.batch_queue import most_tweets
from stream.model.bundle import Bundle
from stream.model.loading import Model
from stream.model.tokenizer import Tokenizer
from stream.settings import LimitSettings
from stream.tweets.cleaning import cleaner
from stream.tweets.decoding import decode_tweet
from stream.tweets.lines import open_lines
from stream.tweets.rejections import RejectedTweetError
from stream.tweets.tweet import Tweet

SAMPLES = Path(__file__).parent.parent / "samples" / "tweets.jsonl"
BACKLOG_BATCHES = 32
"""Batches that are cut from one group of tweets sorted by length, as from a long queue, so that padding is small."""

TokenIds = Sequence[int]


@dataclass(frozen=True, slots=True)
class Source:
    """A message with a tweet that has text to classify."""

    payload: bytes
    tweet: Tweet


def read_tweets(file: str | None) -> list[Source]:
    """Read the tweets of a file without the lines that the service would reject.

    Args:
        file: JSON lines, as for `starling classify`; None: the sample tweets of Starling.

    Raises:
        InputError: The file cannot be read, or contains no tweet.
    """
    name = file or str(SAMPLES)
    with open_lines(name) as lines:
        found = list(_tweets(lines))
    if not found:
        raise InputError(f"{name} contains no tweet; give JSON lines as for `starling classify`")
    return found


def _tweets(lines: Iterator[bytes]) -> Iterator[Source]:
    limits = LimitSettings()
    for line in lines:
        try:
            tweet = decode_tweet(line, limits)
        except RejectedTweetError:
            continue
        if any(map(str.isalpha, tweet.text)):  # cleaning leaves text
            yield Source(line, tweet)


def numbered(payload: bytes, number: int) -> bytes:
    """Return the message with another id, by which its label is identified."""
    message: dict[str, Any] = orjson.loads(payload)
    data = message.get("data")
    holder = data if isinstance(data, dict) and not message.keys() & {"id", "id_str"} else message
    holder["id"] = str(number)
    if "id_str" in holder:
        holder["id_str"] = str(number)
    return orjson.dumps(message)


def token_ids(model: Model, tweets: Sequence[Source]) -> list[TokenIds]:
    """Clean and tokenise tweets; tweets without text after cleaning are left out."""
    cleaned = [(replace(tweet.tweet, entity=None), model.clean(tweet.tweet.text)) for tweet in tweets]
    kept = [(tweet, text) for tweet, text in cleaned if text]
    return [tokens.ids for tokens in model.all_tokens([tweet for tweet, _ in kept], [text for _, text in kept])]


def token_lengths(bundle: Bundle, tweets: Sequence[Source]) -> list[int]:
    """Return the length of each tweet in tokens, cleaned and tokenised as the bundle requires."""
    cleaning, tokenizer = bundle.manifest.cleaning, Tokenizer(bundle)
    clean = cleaner(cleaning.name, cleaning.version)
    return [len(tokens.ids) for tokens in tokenizer.encode_all([clean(tweet.tweet.text) for tweet in tweets])]


def of_length(ids: Sequence[TokenIds], length: int, most: int) -> list[TokenIds]:
    """Make rows of one length from the same tokens.

    Args:
        ids: The tweets' token ids.
        length: Length of the rows.
        most: Longest row that the model accepts.

    Raises:
        BenchError: The model does not accept rows of that length.
    """
    if not 1 <= length <= most:
        raise BenchError(f"length {length}: the model accepts 1 to {most} tokens")
    endless = itertools.cycle(itertools.chain.from_iterable(ids))
    return [list(itertools.islice(endless, length)) for _ in ids]


def batches(ids: Sequence[TokenIds], batch: int) -> Iterator[Sequence[TokenIds]]:
    """Yield batches without end: single tweets in their order, or batches of similar lengths as from a long queue."""
    endless = itertools.cycle(ids)
    if batch == 1:
        yield from ([row] for row in endless)
    while True:
        waiting = sorted(itertools.islice(endless, BACKLOG_BATCHES * batch), key=len)
        yield from (waiting[first : first + batch] for first in range(0, len(waiting), batch))


def in_buckets(lengths: Sequence[int], batch: int, bucket: Callable[[int], int]) -> Iterator[list[int]]:
    """Split a window of tweets into batches of one length bucket each, as the service does.

    Args:
        lengths: The length of each tweet, in tokens.
        batch: Largest batch size.
        bucket: Returns the length bucket of a length.

    Yields:
        The indices of a batch's tweets.
    """
    ordered = sorted(range(len(lengths)), key=lambda place: lengths[place])
    for padded, alike in itertools.groupby(ordered, key=lambda place: bucket(lengths[place])):
        places, most = list(alike), most_tweets(padded, batch)
        yield from (places[first : first + most] for first in range(0, len(places), most))
