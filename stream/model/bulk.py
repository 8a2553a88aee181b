"""Classification of many tweets at once, for files and for evaluation; the service uses batcher.py.

Tweets are sorted by length, so that a batch needs little padding, and the batches are shared among the interpreters.
Results are in the order of the input.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from queue import SimpleQueue
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from stream.languages.policy import LanguagePolicy, make_policy
from stream.model.classifier import AnyClassifier, Probabilities
from stream.model.loading import Decisions, Model
from stream.settings import DecisionSettings, LanguageSettings, LimitSettings
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


@dataclass(frozen=True, slots=True)
class _ReadTweet:
    """A tweet, its cleaned text and its model."""

    tweet: Tweet
    text: str
    model: Model


_Read = _ReadTweet | RejectedTweetError


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


_Started = tuple[Sequence[_Read], Sequence[Pending]]


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


@dataclass(frozen=True)
class LanguageRoutes:
    """The policy for the languages of tweets, and the model that tweets in other languages are routed to."""

    policy: LanguagePolicy
    other: Model | None = None


_NO_ROUTES = LanguageRoutes(make_policy(LanguageSettings(policy="off")))


def label_lines(
    model: Model,
    lines: Iterable[bytes | RejectedTweetError | None],
    limits: LimitSettings,
    decision: DecisionSettings | None = None,
    entity: str | None = None,
    routes: LanguageRoutes = _NO_ROUTES,
) -> Iterator[Outcome]:
    """Label tweets given as messages.

    Args:
        model: The model.
        lines: The messages; a rejection in place of one is passed on, and None says that the input pauses, so that
            the outcomes of all messages before are due.
        limits: Limits of size, beyond which a message is rejected.
        decision: The settings of the decision for a polarity; None: the most probable one.
        entity: The entity that the tweets without one of their own concern.
        routes: The policy for the languages of tweets; by default languages are not detected.

    Yields:
        For each message, in order, a label or a rejection.
    """
    reader = _Reader([model, *([routes.other] if routes.other else [])], routes.policy, limits, entity)
    with ExitStack() as stack:
        labellers = [_Labeller(each, decision, stack, reader) for each in reader.models]
        before: _Started | None = None
        for read, pauses in _chunks(lines, reader.read):
            started = read, [labeller.submit(read) for labeller in labellers]
            if before:
                yield from _labels(labellers, *before)
            before = started
            if pauses:
                yield from _labels(labellers, *before)
                before = None
        if before:
            yield from _labels(labellers, *before)


class _Reader:
    """Decodes and cleans tweets, and chooses their model."""

    def __init__(
        self, models: Sequence[Model], policy: LanguagePolicy, limits: LimitSettings, entity: str | None
    ) -> None:
        self.models = models
        self._policy = policy
        self._languages = policy.labelled_languages([model.languages for model in models])
        self._limits = limits
        self._entity = entity

    def read(self, line: bytes | RejectedTweetError) -> _Read:
        """Read a message."""
        if isinstance(line, RejectedTweetError):
            return line
        try:
            placed = self._policy.place(decode_tweet(line, self._limits), self._languages)
            tweet, model = placed.tweet, self.models[placed.model]
            return _ReadTweet(replace(tweet, entity=tweet.entity or self._entity), model.cleaned(tweet), model)
        except RejectedTweetError as rejected:
            return rejected


class _Labeller:
    """Labels the tweets of one model."""

    def __init__(self, model: Model, decision: DecisionSettings | None, stack: ExitStack, reader: _Reader) -> None:
        self.model = model
        self._rules = Decisions(decision or DecisionSettings(), model)
        self._identity = model.bundle.identity if len(reader.models) > 1 else None
        self._bulk = stack.enter_context(BulkClassifier(model))

    def submit(self, read: Sequence[_Read]) -> Pending:
        """Begin to classify those of some tweets that are this model's."""
        tweets = [entry for entry in read if isinstance(entry, _ReadTweet) and entry.model is self.model]
        encoded = self.model.all_tokens([entry.tweet for entry in tweets], [entry.text for entry in tweets])
        return self._bulk.submit([tokens.ids for tokens in encoded])

    def label(self, tweet: Tweet, row: Probabilities) -> Outcome:
        """Label a tweet; where there are several models, the label names this one."""
        label = self.model.label(tweet, row)
        if self._identity is not None and label.model is None:
            label = replace(label, model=self._identity)
        try:
            return self._rules.apply(label)
        except RejectedTweetError as rejected:
            return rejected


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


def _labels(labellers: Sequence[_Labeller], read: Iterable[_Read], pending: Sequence[Pending]) -> Iterator[Outcome]:
    rows = [iter(each.result()) for each in pending]
    places = {id(labeller.model): place for place, labeller in enumerate(labellers)}
    for entry in read:
        if isinstance(entry, _ReadTweet):
            place = places[id(entry.model)]
            yield labellers[place].label(entry.tweet, next(rows[place]))
        else:
            yield entry
