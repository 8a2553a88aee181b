"""The engine: a loaded model at work, with its batcher, its encoder and its recent results."""

import asyncio

from stream.labelling.batch_queue import Probabilities
from stream.labelling.batcher import Batcher
from stream.labelling.recent import RecentResults
from stream.model.loading import Model
from stream.model.tokenizer import Tokens
from stream.telemetry.metrics import Metrics
from stream.tweets.labels import LabelEncoder


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
        self._known: RecentResults[tuple[int, ...], Probabilities] = RecentResults(repeats)
        self._repeated = metrics.repeated
        self._classifying = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def classify(self, tokens: Tokens) -> Probabilities:
        """Classify one tweet that was tokenised by this engine's model, unless the same tokens came lately."""
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
        """Wait until no tweet is being classified."""
        await self._idle.wait()
