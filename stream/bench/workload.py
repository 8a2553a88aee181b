"""The tweets that are classified: real ones as they come, or token ids of one length."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from stream.errors import BenchError, InputError
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
"""So many batches are cut from tweets sorted by length: as when a backlog waits, and none is padded much."""

TokenIds = Sequence[int]


@dataclass(frozen=True, slots=True)
class Source:
    """A message that holds a tweet with something to classify."""

    payload: bytes
    tweet: Tweet


def read_tweets(file: str | None) -> list[Source]:
    """Read the tweets of a file, and leave out the lines that would be rejected.

    Args:
        file: JSON lines, as `starling classify` takes them; None: the sample tweets that come with Starling.

    Raises:
        InputError: The file cannot be read, or has no tweet in it.
    """
    name = file or str(SAMPLES)
    with open_lines(name) as lines:
        found = list(_tweets(lines))
    if not found:
        raise InputError(f"{name} has no line that is a tweet as `starling classify` takes it")
    return found


def _tweets(lines: Iterator[bytes]) -> Iterator[Source]:
    limits = LimitSettings()
    for line in lines:
        try:
            tweet = decode_tweet(line, limits)
        except RejectedTweetError:
            continue
        if any(map(str.isalpha, tweet.text)):  # cleaning leaves something of it
            yield Source(line, tweet)


def numbered(payload: bytes, number: int) -> bytes:
    """The same message with another id, by which its label is known again."""
    message: dict[str, Any] = orjson.loads(payload)
    data = message.get("data")
    holder = data if isinstance(data, dict) and not message.keys() & {"id", "id_str"} else message
    holder["id"] = str(number)
    if "id_str" in holder:
        holder["id_str"] = str(number)
    return orjson.dumps(message)


def token_ids(model: Model, tweets: Sequence[Source]) -> list[TokenIds]:
    """Clean and tokenise tweets; those of which nothing is left are left out."""
    texts = [text for tweet in tweets if (text := model.clean(tweet.tweet.text))]
    return [tokens.ids for tokens in model.tokenizer.encode_all(texts)]


def token_lengths(bundle: Bundle, tweets: Sequence[Source]) -> list[int]:
    """The length of each tweet in tokens, as a bundle cleans and tokenises it."""
    cleaning, tokenizer = bundle.manifest.cleaning, Tokenizer(bundle)
    clean = cleaner(cleaning.name, cleaning.version)
    return [len(tokens.ids) for tokens in tokenizer.encode_all([clean(tweet.tweet.text) for tweet in tweets])]


def of_length(ids: Sequence[TokenIds], length: int, most: int) -> list[TokenIds]:
    """Make rows of one length out of the same tokens.

    Args:
        ids: The tweets' token ids.
        length: How long the rows are to be.
        most: The longest that the model reads.

    Raises:
        BenchError: The model does not read rows of that length.
    """
    if not 1 <= length <= most:
        raise BenchError(f"length {length}: the model reads 1 to {most} tokens")
    endless = itertools.cycle(itertools.chain.from_iterable(ids))
    return [list(itertools.islice(endless, length)) for _ in ids]


def batches(ids: Sequence[TokenIds], batch: int) -> Iterator[Sequence[TokenIds]]:
    """Yield batches without end: of one, as the tweets come; of more, of like lengths, as out of a long backlog."""
    endless = itertools.cycle(ids)
    if batch == 1:
        yield from ([row] for row in endless)
    while True:
        waiting = sorted(itertools.islice(endless, BACKLOG_BATCHES * batch), key=len)
        yield from (waiting[first : first + batch] for first in range(0, len(waiting), batch))


def in_buckets(lengths: Sequence[int], batch: int, bucket: Callable[[int], int]) -> Iterator[list[int]]:
    """Cut a window of tweets into batches, each of one length bucket, as the service does.

    Args:
        lengths: The length of each tweet, in tokens.
        batch: The most in a batch.
        bucket: The length bucket of a length.

    Yields:
        The places of a batch's tweets.
    """
    ordered = sorted(range(len(lengths)), key=lambda place: lengths[place])
    for _, alike in itertools.groupby(ordered, key=lambda place: bucket(lengths[place])):
        places = list(alike)
        yield from (places[first : first + batch] for first in range(0, len(places), batch))
