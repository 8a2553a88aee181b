"""Labels many tweets at once, for files and for evaluation; the service's own path is batcher.py.

Tweets are sorted by length, so that a batch needs little padding, and the batches are shared among the interpreters.
Results come back in the order of the input.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from queue import SimpleQueue
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from stream.model.classifier import Classifier, Probabilities
from stream.model.loading import Model
from stream.settings import LimitSettings
from stream.tweets.decoding import decode_tweet
from stream.tweets.labels import Label
from stream.tweets.polarity import POLARITIES
from stream.tweets.rejections import RejectedTweetError
from stream.tweets.tweet import Tweet

_BATCH_TWEETS = 16
"""Beyond this, batches gain nothing here."""
_CHUNK_LINES = 2048
"""Read ahead while the chunk before is being classified: enough for batches of equal length, little memory."""

Outcome = Label | RejectedTweetError


class Pending:
    """Tweets on their way through the interpreters."""

    def __init__(self, count: int, batches: list[tuple[NDArray[np.intp], Future[Probabilities]]]) -> None:
        self._count = count
        self._batches = batches

    def result(self) -> Probabilities:
        """Wait for the probabilities, shape (tweets, 3), in the order of the input."""
        rows = np.empty((self._count, len(POLARITIES)), dtype=np.float32)
        for places, batch in self._batches:
            rows[places] = batch.result()
        return rows


class BulkClassifier:
    """All of a model's interpreters at work on whatever is submitted; a context manager."""

    def __init__(self, model: Model) -> None:
        self._threads = ThreadPoolExecutor(len(model.classifiers), thread_name_prefix="inference")
        self._free: SimpleQueue[Classifier] = SimpleQueue()
        for classifier in model.classifiers:
            self._free.put(classifier)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drop what has not begun."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def submit(self, token_ids: Sequence[Sequence[int]]) -> Pending:
        """Start to classify tweets, given their token ids."""
        by_length = np.argsort([len(ids) for ids in token_ids], kind="stable")
        batches = []
        for first in range(0, len(by_length), _BATCH_TWEETS):
            places = by_length[first : first + _BATCH_TWEETS]
            batches.append((places, self._threads.submit(self._classify, [token_ids[place] for place in places])))
        return Pending(len(token_ids), batches)

    def _classify(self, batch: Sequence[Sequence[int]]) -> Probabilities:
        classifier = self._free.get()
        try:
            return classifier.probabilities(batch)
        finally:
            self._free.put(classifier)


def label_lines(model: Model, lines: Iterable[bytes], limits: LimitSettings) -> Iterator[Outcome]:
    """Label tweets given as JSON lines.

    Yields:
        For each line, in order, a label or why there is none.
    """
    with BulkClassifier(model) as bulk:
        before: tuple[list[Tweet | RejectedTweetError], Pending] | None = None
        for chunk in _chunks(lines):
            read = [_read(model, line, limits) for line in chunk]
            ids, outcomes = _tokenised(model, read)
            started = outcomes, bulk.submit(ids)
            if before:
                yield from _labels(model, *before)
            before = started
        if before:
            yield from _labels(model, *before)


def _chunks(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    iterator = iter(lines)
    while chunk := list(islice(iterator, _CHUNK_LINES)):
        yield chunk


def _read(model: Model, line: bytes, limits: LimitSettings) -> tuple[Tweet, str] | RejectedTweetError:
    try:
        tweet = decode_tweet(line, limits)
        return tweet, model.cleaned(tweet)
    except RejectedTweetError as rejected:
        return rejected


def _tokenised(
    model: Model, read: Sequence[tuple[Tweet, str] | RejectedTweetError]
) -> tuple[list[list[int]], list[Tweet | RejectedTweetError]]:
    texts = [entry[1] for entry in read if isinstance(entry, tuple)]
    ids = [tokens.ids for tokens in model.tokenizer.encode_all(texts)]
    return ids, [entry[0] if isinstance(entry, tuple) else entry for entry in read]


def _labels(model: Model, read: Iterable[Tweet | RejectedTweetError], pending: Pending) -> Iterator[Outcome]:
    rows = iter(pending.result())
    for entry in read:
        yield model.label(entry, next(rows)) if isinstance(entry, Tweet) else entry
