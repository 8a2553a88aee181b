"""From a message's bytes to a label's bytes, without knowing of any broker."""

import time
from collections.abc import Iterator
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
    """A tweet ready to be classified by the engine that it was read for."""

    tweet: Tweet
    tokens: Tokens
    engine: Engine


class LabellingPipeline:
    """Reads, cleans, classifies and labels tweets with the engine of the moment.

    Args:
        limits: What is taken in before it is refused.
        metrics: Where tweets are counted.
    """

    def __init__(self, limits: LimitSettings, metrics: Metrics) -> None:
        self._limits = limits
        self._metrics = metrics
        self._engine: Engine | None = None
        self._decode_seconds = metrics.stage_seconds.labels("decode")
        self._classified = {polarity: metrics.classified.labels(polarity) for polarity in POLARITIES}

    def use(self, engine: Engine) -> None:
        """Read tweets for this engine from now on."""
        self._engine = engine
        self._metrics.set_model(engine.model.bundle.identity)

    @property
    def engine(self) -> Engine:
        """The engine of the moment; there is one before the first tweet is taken."""
        if self._engine is None:
            raise RuntimeError("a tweet was taken before a model was loaded")
        return self._engine

    def read(self, payload: bytes) -> ReadTweet:
        """Decode, cleans and tokenises a message.

        Raises:
            RejectedTweetError: It holds no tweet that could be labelled.
        """
        engine = self.engine
        with self._decode_seconds.time():
            tweet = decode_tweet(payload, self._limits)
            tokens = engine.model.tokens(tweet)
        self._metrics.tokens.observe(len(tokens.ids))
        if tokens.truncated:
            self._metrics.truncated.inc()
        return ReadTweet(tweet, tokens, engine)

    async def label(self, read: ReadTweet, received_at: float) -> bytes:
        """Classify a tweet and write its label.

        Args:
            read: The tweet.
            received_at: When it arrived, in seconds since the epoch.
        """
        engine = read.engine
        label = engine.model.label(read.tweet, await engine.classify(read.tokens))
        self._count(label)
        return engine.encoder.label(label, received_at, time.time())

    def rejection(self, rejected: RejectedTweetError, payload: bytes, received_at: float) -> bytes:
        """Write a rejection and count it."""
        self._metrics.rejected.labels(rejected.reason).inc()
        return self.engine.encoder.rejection(rejected, payload, received_at)

    def _count(self, label: Label) -> None:
        self._classified[label.polarity].inc()
        self._metrics.confidence.observe(label.confidence)


@contextmanager
def labelling_metrics(metrics: Metrics) -> Iterator[None]:
    """Count one tweet as in progress, and time it from arrival to acknowledgement."""
    started = time.perf_counter()
    metrics.in_progress.inc()
    try:
        yield
        metrics.tweet_seconds.observe(time.perf_counter() - started)
    finally:
        metrics.in_progress.dec()
