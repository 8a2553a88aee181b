"""A model in service: its batcher, its label encoder and its recent results."""

from array import array

from stream.labelling.batcher import Batcher
from stream.labelling.in_progress import InProgress
from stream.labelling.recent import RecentResults
from stream.model.classifier import Probabilities
from stream.model.loading import Decisions, Model
from stream.model.tokenizer import Tokens
from stream.settings import DecisionSettings
from stream.telemetry.metrics import Metrics
from stream.tweets.labels import Label, LabelEncoder
from stream.tweets.tweet import Tweet


class Engine:
    """A model in service.

    Args:
        model: The model.
        batcher: The model's interpreters.
        encoder: Writes labels that name this model.
        repeats: Number of results to remember, for tweets with the same tokens.
        metrics: Counts such repeats.
        decision: The settings of the decision for a polarity; None: the most probable one.
    """

    def __init__(
        self,
        model: Model,
        batcher: Batcher,
        encoder: LabelEncoder,
        repeats: int,
        metrics: Metrics,
        *,
        decision: DecisionSettings | None = None,
    ) -> None:
        self.model = model
        self._decisions = Decisions(decision or DecisionSettings(), model)
        self.batcher = batcher
        self.encoder = encoder
        self._known: RecentResults[bytes, Probabilities] = RecentResults(repeats)
        self._repeated = metrics.repeated
        self._in_progress = InProgress()

    async def classify(self, tokens: Tokens) -> Probabilities:
        """Classify one tweet that this engine's model tokenised; the same tokens get the remembered result."""
        key = array("i", tokens.ids).tobytes()  # a tuple, with its integers, takes ten times the memory
        if (known := self._known.find(key)) is not None:
            self._repeated.inc()
            return known
        with self._in_progress.item():
            probabilities = await self.batcher.classify(tokens.ids)
            self._known.remember(key, probabilities.copy())  # a view would keep its whole batch in memory
            return probabilities

    def label(self, tweet: Tweet, probabilities: Probabilities) -> Label:
        """Make a tweet's label from the row that `classify` returned for it, and the settings of the decision.

        Raises:
            RejectedTweetError: The confidence is below the threshold, and the settings reject such tweets.
        """
        return self._decisions.apply(self.model.label(tweet, probabilities))

    async def idle(self) -> None:
        """Wait until no tweet is being classified."""
        await self._in_progress.idle()
