"""From a message's bytes to a label's bytes, without knowing of any broker."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from stream.backlog import Probabilities
from stream.batcher import Batcher
from stream.bundle import POLARITIES
from stream.messages import Label, LabelEncoder, RejectedTweetError, Tweet, decode_tweet
from stream.metrics import Metrics
from stream.model import Model
from stream.recent import Recent
from stream.settings import LimitSettings
from stream.tokenizer import Tokens


class Engine:
    """A model at work: what reads, classifies and labels the tweets that were read for it.

    Args:
        model: The model.
        batcher: Its interpreters.
        encoder: What writes labels in its name.
        repeats: How many results are remembered, for tweets that read the same.
        metrics: Where such repeats are counted.
    """

    def __init__(self, model: Model, batcher: Batcher, encoder: LabelEncoder, repeats: int, metrics: Metrics) -> None:
        self.model = model
        self.batcher = batcher
        self.encoder = encoder
        self._known: Recent[tuple[int, ...], Probabilities] = Recent(repeats)
        self._repeated = metrics.repeated
        self._classifying = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def classify(self, tokens: Tokens) -> Probabilities:
        """Classifies one tweet that was tokenised by this engine's model, unless the same tokens came lately."""
        key = tuple(tokens.ids)
        if (known := self._known.find(key)) is not None:
            self._repeated.inc()
            return known
        self._classifying += 1
        self._idle.clear()
        try:
            probabilities = await self.batcher.classify(tokens.ids)
            self._known.remember(key, probabilities.copy())  # without the rest of its batch
            return probabilities
        finally:
            self._classifying -= 1
            if not self._classifying:
                self._idle.set()

    async def idle(self) -> None:
        """Waits until no tweet is being classified."""
        await self._idle.wait()


@dataclass(frozen=True, slots=True)
class ReadTweet:
    """A tweet ready to be classified by the engine that it was read for."""

    tweet: Tweet
    tokens: Tokens
    engine: Engine


class Labelling:
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
        """Reads tweets for this engine from now on."""
        self._engine = engine
        self._metrics.model_is(engine.model.bundle)

    @property
    def engine(self) -> Engine:
        """The engine of the moment; there is one before the first tweet is taken."""
        if self._engine is None:
            raise RuntimeError("a tweet was taken before a model was loaded")
        return self._engine

    def read(self, payload: bytes) -> ReadTweet:
        """Decodes, cleans and tokenises a message.

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
        """Classifies a tweet and writes its label.

        Args:
            read: The tweet.
            received_at: When it arrived, in seconds since the epoch.
        """
        engine = read.engine
        label = engine.model.label(read.tweet, await engine.classify(read.tokens))
        self._count(label)
        return engine.encoder.label(label, received_at, time.time())

    def rejection(self, rejected: RejectedTweetError, payload: bytes, received_at: float) -> bytes:
        """Writes a rejection and counts it."""
        self._metrics.rejected.labels(rejected.reason).inc()
        return self.engine.encoder.rejection(rejected, payload, received_at)

    def _count(self, label: Label) -> None:
        self._classified[label.polarity].inc()
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
