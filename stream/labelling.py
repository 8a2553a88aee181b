"""From a message's bytes to a label's bytes, without knowing of any broker."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from stream.batcher import Batcher
from stream.messages import Label, LabelEncoder, RejectedTweetError, Tweet, decode_tweet
from stream.metrics import Metrics
from stream.model import Model
from stream.settings import Settings
from stream.tokenizer import Tokens


class Labelling:
    """Reads, cleans, classifies and labels tweets with one model.

    Args:
        model: The model.
        batcher: The model's interpreters at work.
        settings: The node's name, the limits, and what a label says.
        metrics: Where tweets are counted.
    """

    def __init__(self, model: Model, batcher: Batcher, settings: Settings, metrics: Metrics) -> None:
        self._model = model
        self._batcher = batcher
        self._limits = settings.limits
        self._metrics = metrics
        self._encoder = LabelEncoder(settings.node, model.bundle, include_text=settings.labels.include_text)
        self._decode_seconds = metrics.stage_seconds.labels("decode")

    def read(self, payload: bytes) -> tuple[Tweet, Tokens]:
        """Decodes, cleans and tokenises a message.

        Raises:
            RejectedTweetError: It holds no tweet that could be labelled.
        """
        with self._decode_seconds.time():
            tweet = decode_tweet(payload, self._limits)
            tokens = self._model.tokens(tweet)
        self._metrics.tokens.observe(len(tokens.ids))
        if tokens.truncated:
            self._metrics.truncated.inc()
        return tweet, tokens

    async def label(self, tweet: Tweet, tokens: Tokens, received_at: float) -> bytes:
        """Classifies a tweet and writes its label.

        Args:
            tweet: The tweet.
            tokens: Its tokens, as `read` gave them.
            received_at: When it arrived, in seconds since the epoch.
        """
        label = self._model.label(tweet, await self._batcher.classify(tokens.ids))
        self._count(label)
        return self._encoder.label(label, received_at, time.time())

    def rejection(self, rejected: RejectedTweetError, payload: bytes, received_at: float) -> bytes:
        """Writes a rejection and counts it."""
        self._metrics.rejected.labels(rejected.reason).inc()
        return self._encoder.rejection(rejected, payload, received_at)

    def _count(self, label: Label) -> None:
        self._metrics.classified.labels(label.polarity).inc()
        self._metrics.confidence.observe(label.confidence)


@contextmanager
def labelling_metrics(metrics: Metrics) -> Iterator[None]:
    """Counts one tweet as in progress, and times it from arrival to acknowledgement."""
    started = time.perf_counter()
    metrics.in_progress.inc()
    try:
        yield
        metrics.tweet_seconds.observe(time.perf_counter() - started)
    finally:
        metrics.in_progress.dec()
