"""The way from a message's bytes to a label's bytes, independent of any broker."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from stream.labelling.engine import Engine
from stream.model.tokenizer import Tokens
from stream.settings import LimitSettings
from stream.telemetry.metrics import Metrics
from stream.tweets.decoding import decode_tweet
from stream.tweets.labels import Label
from stream.tweets.polarity import POLARITIES
from stream.tweets.rejections import RejectedTweetError
from stream.tweets.tweet import Tweet


@dataclass(frozen=True, slots=True)
class ReadTweet:
    """A tokenised tweet and the engine that will classify it."""

    tweet: Tweet
    tokens: Tokens
    engine: Engine


class LabellingPipeline:
    """Decoding, cleaning, classification and labelling of tweets by the current engine.

    Args:
        limits: Limits of size, beyond which a message is rejected.
        metrics: Counts tweets.
    """

    def __init__(self, limits: LimitSettings, metrics: Metrics) -> None:
        self._limits = limits
        self._metrics = metrics
        self._engine: Engine | None = None
        self._decode_seconds = metrics.stage_seconds.labels("decode")
        self._classified = {polarity: metrics.classified.labels(polarity) for polarity in POLARITIES}

    def use(self, engine: Engine) -> None:
        """Make an engine the current one."""
        self._engine = engine
        self._metrics.set_model(engine.model.bundle.identity)

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
        engine = self.engine
        with self._decode_seconds.time():
            tweet = decode_tweet(payload, self._limits, content_type, user_properties)
            tokens = engine.model.tokens(tweet)
        self._metrics.tokens.observe(len(tokens.ids))
        if tokens.truncated:
            self._metrics.truncated.inc()
        return ReadTweet(tweet, tokens, engine)

    async def label(self, read: ReadTweet, received_at: float) -> bytes:
        """Classify a tweet and encode its label.

        Args:
            read: The tweet.
            received_at: Time of arrival, in seconds since the epoch.

        Raises:
            RejectedTweetError: The confidence is below the threshold, and the settings reject such tweets.
        """
        engine = read.engine
        label = engine.label(read.tweet, await engine.classify(read.tokens))
        self._count(label)
        return engine.encoder.label(label, received_at, time.time())

    def rejection(self, rejected: RejectedTweetError, payload: bytes, received_at: float) -> bytes:
        """Encode a rejection and count it."""
        self._metrics.rejected.labels(rejected.reason).inc()
        return self.engine.encoder.rejection(rejected, payload, received_at)

    def _count(self, label: Label) -> None:
        self._classified[label.polarity].inc()
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
