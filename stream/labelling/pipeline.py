"""The way from a message's bytes to the bytes of its labels, independent of any broker."""

import asyncio
import logging
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from stream.labelling.engine import Engine
from stream.labelling.entities import Entities
from stream.languages.policy import OTHER, UNKNOWN, LanguagePolicy, make_policy
from stream.model.classifier import Probabilities
from stream.model.tokenizer import Tokens
from stream.settings import LanguageSettings, LimitSettings
from stream.telemetry.metrics import Metrics
from stream.tweets.decoding import decode_tweet
from stream.tweets.labels import Label
from stream.tweets.polarity import POLARITIES
from stream.tweets.rejections import RejectedTweetError
from stream.tweets.tweet import Tweet

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReadTweet:
    """A tokenised tweet and the engine that will classify it."""

    tweet: Tweet
    """The tweet as it was sent."""
    concerned: Sequence[tuple[Tweet, Tokens]]
    """The tweet with the entity of each label that it gets, and the tokens of both."""
    engine: Engine
    language: str | None = None
    """The tweet's language as metrics count it; None: it is not detected."""


@dataclass(frozen=True, slots=True)
class MadeLabel:
    """A label as a message."""

    payload: bytes
    entity: str | None = None
    topic: str | None = None
    """The topic of the labels about this entity, beside the one of all labels."""


Outcome = MadeLabel | RejectedTweetError


class LabellingPipeline:
    """Decoding, cleaning, classification and labelling of tweets by the current engine.

    Tweets in languages that it does not label are routed to another engine, if there is one that labels them.

    Args:
        limits: Limits of size, beyond which a message is rejected.
        metrics: Counts tweets.
    """

    def __init__(self, limits: LimitSettings, metrics: Metrics) -> None:
        self._limits = limits
        self._metrics = metrics
        self._engine: Engine | None = None
        self._route: Engine | None = None
        self._policy = make_policy(LanguageSettings(policy="off"))
        self._languages: Sequence[Collection[str]] = [()]
        """The languages that each of the engines labels."""
        self._description = self._policy.describe([()])
        """The policy in words, as it was logged last."""
        self.entities = Entities(limits.entities_per_tweet, metrics)
        """The entities that the settings list."""
        self._decode_seconds = metrics.stage_seconds.labels("decode")
        self._classified = {polarity: metrics.classified.labels(polarity) for polarity in POLARITIES}

    def use(self, engine: Engine | None) -> None:
        """Make an engine the current one; without one, no tweet may be taken."""
        self._engine = engine
        if engine is None:
            return
        self._metrics.set_model(*(bundle.identity for bundle in reversed(engine.model.bundles)))
        self._list_languages()

    def use_route(self, engine: Engine | None) -> None:
        """Make an engine the one that tweets in other languages are routed to; None: there is none."""
        self._route = engine
        self._metrics.set_route_model(engine.model.bundle.identity if engine else None)
        self._list_languages()

    def use_languages(self, policy: LanguagePolicy) -> None:
        """Make a policy the one for the languages of tweets."""
        self._policy = policy
        self._list_languages()

    @property
    def engines(self) -> list[Engine]:
        """The engines that label."""
        return [engine for engine in (self._engine, self._route) if engine is not None]

    def _list_languages(self) -> None:
        """List the languages of the engines, log a change, and prepare the metrics."""
        if self._engine is None:
            return
        bundles = [engine.model.languages for engine in self.engines]
        self._languages = self._policy.labelled_languages(bundles)
        if (description := self._policy.describe(bundles)) != self._description:
            self._description = description
            logger.info("languages: %s", description)
        self._metrics.list_languages([*sorted({code for codes in self._languages for code in codes}), OTHER, UNKNOWN])
        queues = [engine.batcher.queue for engine in self.engines]
        self._metrics.waiting.set_function(lambda: sum(queue.count for queue in queues))
        self._metrics.oldest_wait_seconds.set_function(lambda: max(queue.oldest_wait_seconds() for queue in queues))

    @property
    def engine(self) -> Engine:
        """The current engine; it is set before the first tweet is taken."""
        if self._engine is None:
            raise RuntimeError("a tweet was taken before a model was loaded")
        return self._engine

    def read(
        self, payload: bytes, content_type: str | None = None, user_properties: Sequence[tuple[str, str]] = ()
    ) -> ReadTweet:
        """Decode, clean and tokenise a message.

        Args:
            payload: The message.
            content_type: The content type that came with it, if any.
            user_properties: The names and values that came with it.

        Raises:
            RejectedTweetError: The message holds no tweet that can be labelled.
        """
        usual = self.engine
        with self._decode_seconds.time():
            decoded = decode_tweet(payload, self._limits, content_type, user_properties)
            placed = self._policy.place(decoded, self._languages)
            tweet, engine = placed.tweet, (self.engines[placed.model] if placed.model else usual)
            concerned = [(one, engine.model.tokens(one)) for one in self.entities.concerned(tweet)]
        for _, tokens in concerned:
            self._metrics.tokens.observe(tokens.count)
            if tokens.truncated:
                self._metrics.truncated.inc()
        return ReadTweet(tweet, concerned, engine, placed.counted_as)

    async def label(self, read: ReadTweet, received_at: float) -> tuple[Outcome, ...]:
        """Classify a tweet and encode its label, or one for each entity that it concerns.

        Args:
            read: The tweet.
            received_at: Time of arrival, in seconds since the epoch.

        Returns:
            The labels; a rejection in place of one whose confidence is below the threshold, if the settings say so.
        """
        inferences = {tuple(tokens.ids): tokens for _, tokens in read.concerned}  # one, if no entity is read
        first, *others = inferences.values()
        if others:
            results = await asyncio.gather(*map(read.engine.classify, inferences.values()))
        else:
            results = [await read.engine.classify(first)]  # without a task of its own, which takes three turns more
        by_tokens = dict(zip(inferences, results, strict=True))
        return tuple(
            self._outcome(tweet, by_tokens[tuple(tokens.ids)], read, received_at) for tweet, tokens in read.concerned
        )

    def _outcome(self, tweet: Tweet, probabilities: Probabilities, read: ReadTweet, received_at: float) -> Outcome:
        engine = read.engine
        try:
            label = engine.label(tweet, probabilities)
        except RejectedTweetError as rejected:
            rejected.entity = tweet.entity
            return rejected
        self._count(label, read.language)
        if label.model is not None:
            answering = "second" if label.model == engine.model.bundle.identity else "first"
            self._metrics.cascade_labels.labels(answering).inc()
        payload = engine.encoder.label(label, received_at, time.time())
        return MadeLabel(payload, tweet.entity, self.entities.topic(tweet))

    def rejection(self, rejected: RejectedTweetError, payload: bytes, received_at: float) -> bytes:
        """Encode a rejection and count it."""
        self._metrics.rejected.labels(rejected.reason).inc()
        return self.engine.encoder.rejection(rejected, payload, received_at)

    def _count(self, label: Label, language: str | None) -> None:
        if language is not None:
            self._metrics.language_labels.labels(language, label.polarity).inc()
        self._classified[label.polarity].inc()
        self.entities.count(label)
        self._metrics.confidence.observe(label.confidence)
        if label.decision is not None:
            self._metrics.labels_changed.labels(label.decision).inc()


@contextmanager
def labelling_metrics(metrics: Metrics) -> Iterator[None]:
    """Count one tweet as in progress, and measure the time from its arrival to its acknowledgement."""
    started = time.perf_counter()
    metrics.in_progress.inc()
    try:
        yield
        metrics.tweet_seconds.observe(time.perf_counter() - started)
    finally:
        metrics.in_progress.dec()
