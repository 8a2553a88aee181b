"""Classification of many tweets at once, for files and for evaluation; the service uses batcher.py.

Tweets are sorted by length, so that a batch needs little padding, and the batches are shared among the interpreters.
Results are in the order of the input.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from queue import SimpleQueue
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from stream.model.classifier import AnyClassifier, Probabilities
from stream.model.loading import Decisions, Model
from stream.settings import DecisionSettings, LimitSettings
from stream.tweets.decoding import decode_tweet
from stream.tweets.labels import Label
from stream.tweets.polarity import POLARITIES
from stream.tweets.rejections import RejectedTweetError
from stream.tweets.tweet import Tweet

_BATCH_TWEETS = 16
"""Batch size; larger ones are no faster."""
CHUNK_LINES = 2048
"""Lines read ahead while the chunk before is being classified: enough for batches of similar length."""

Outcome = Label | RejectedTweetError
_Read = tuple[Tweet, str] | RejectedTweetError
"""A tweet with its cleaned text, or the reason why a message holds none."""


class Pending:
    """Tweets that are being classified."""

    def __init__(self, count: int, batches: list[tuple[NDArray[np.intp], Future[Probabilities]]]) -> None:
        self._count = count
        self._batches = batches

    def result(self) -> Probabilities:
        """Wait for the classifiers' rows, a row for each tweet, in the order of the input."""
        found = [(places, batch.result()) for places, batch in self._batches]
        columns = found[0][1].shape[1] if found else len(POLARITIES)
        rows = np.empty((self._count, columns), dtype=np.float32)
        for places, some in found:
            rows[places] = some
        return rows


class BulkClassifier:
    """A context manager that classifies submitted tweets with all of a model's interpreters.

    Args:
        model: The model.
        compute: Computes the values of a batch, by default its probabilities.
    """

    def __init__(
        self, model: Model, compute: Callable[[AnyClassifier, Sequence[Sequence[int]]], Probabilities] | None = None
    ) -> None:
        self._compute = compute or _probabilities
        self._threads = ThreadPoolExecutor(len(model.classifiers), thread_name_prefix="inference")
        self._free: SimpleQueue[AnyClassifier] = SimpleQueue()
        for classifier in model.classifiers:
            self._free.put(classifier)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Cancel the batches that have not begun."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def submit(self, token_ids: Sequence[Sequence[int]]) -> Pending:
        """Begin to classify tweets, given their token ids."""
        by_length = np.argsort([len(ids) for ids in token_ids], kind="stable")
        batches = []
        for first in range(0, len(by_length), _BATCH_TWEETS):
            places = by_length[first : first + _BATCH_TWEETS]
            batches.append((places, self._threads.submit(self._classify, [token_ids[place] for place in places])))
        return Pending(len(token_ids), batches)

    def _classify(self, batch: Sequence[Sequence[int]]) -> Probabilities:
        classifier = self._free.get()
        try:
            return self._compute(classifier, batch)
        finally:
            self._free.put(classifier)


def _probabilities(classifier: AnyClassifier, batch: Sequence[Sequence[int]]) -> Probabilities:
    return classifier.probabilities(batch)


def label_lines(
    model: Model,
    lines: Iterable[bytes | RejectedTweetError | None],
    limits: LimitSettings,
    decision: DecisionSettings | None = None,
    entity: str | None = None,
) -> Iterator[Outcome]:
    """Label tweets given as messages.

    Args:
        model: The model.
        lines: The messages; a rejection in place of one is passed on, and None says that the input pauses, so that
            the outcomes of all messages before are due.
        limits: Limits of size, beyond which a message is rejected.
        decision: The settings of the decision for a polarity; None: the most probable one.
        entity: The entity that the tweets without one of their own concern.

    Yields:
        For each message, in order, a label or a rejection.
    """
    rules = Decisions(decision or DecisionSettings(), model)
    with BulkClassifier(model) as bulk:
        before: tuple[list[Tweet | RejectedTweetError], Pending] | None = None
        for read, pauses in _chunks(lines, lambda line: _read(model, line, limits, entity)):
            ids, outcomes = _tokenised(model, read)
            started = outcomes, bulk.submit(ids)
            if before:
                yield from _labels(model, rules, *before)
            before = started
            if pauses:
                yield from _labels(model, rules, *before)
                before = None
        if before:
            yield from _labels(model, rules, *before)


def _chunks(
    lines: Iterable[bytes | RejectedTweetError | None], read: Callable[[bytes | RejectedTweetError], _Read]
) -> Iterator[tuple[list[_Read], bool]]:
    """Yield decoded messages in chunks, and whether the input pauses after the chunk."""
    chunk: list[_Read] = []
    for line in lines:
        if line is not None:
            chunk.append(read(line))
        if line is None or len(chunk) == CHUNK_LINES:
            yield chunk, line is None
            chunk = []
    if chunk:
        yield chunk, True


def _read(model: Model, line: bytes | RejectedTweetError, limits: LimitSettings, entity: str | None) -> _Read:
    if isinstance(line, RejectedTweetError):
        return line
    try:
        tweet = decode_tweet(line, limits)
        return replace(tweet, entity=tweet.entity or entity), model.cleaned(tweet)
    except RejectedTweetError as rejected:
        return rejected


def _tokenised(model: Model, read: Sequence[_Read]) -> tuple[list[list[int]], list[Tweet | RejectedTweetError]]:
    tweets = [entry for entry in read if isinstance(entry, tuple)]
    encoded = model.all_tokens([tweet for tweet, _ in tweets], [text for _, text in tweets])
    ids = [tokens.ids for tokens in encoded]
    return ids, [entry[0] if isinstance(entry, tuple) else entry for entry in read]


def _labels(
    model: Model, rules: Decisions, read: Iterable[Tweet | RejectedTweetError], pending: Pending
) -> Iterator[Outcome]:
    rows = iter(pending.result())
    for entry in read:
        yield _decided(rules, model.label(entry, next(rows))) if isinstance(entry, Tweet) else entry


def _decided(rules: Decisions, label: Label) -> Outcome:
    try:
        return rules.apply(label)
    except RejectedTweetError as rejected:
        return rejected
