"""Evaluation of a bundle on labelled tweets, with the service's own classifier."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from stream.model.bulk import BulkClassifier
from stream.model.bundle import Manifest
from stream.model.loading import Model
from stream.tweets.polarity import POLARITIES
from training.data.tweets import LabelledTweet
from training.evaluation.bootstrap import Interval, intervals
from training.evaluation.calibration import Calibration, Probabilities, calibration
from training.evaluation.measures import MEASURES
from training.evaluation.reliability import Reliability, reliability
from training.evaluation.replab import ReplabScores, have_entities
from training.scores import Columns, Scores, columns, score_columns

_CHUNK_TWEETS = 512
"""Number of tweets between two reports of progress."""


@dataclass(frozen=True)
class Evaluation:
    """Outputs of a bundle for labelled tweets, and all measures of them."""

    manifest: Manifest
    tweets: Sequence[LabelledTweet]
    probabilities: Probabilities
    """Shape (tweets, 3), in the order of POLARITIES."""
    seed: int
    """Seed of the bootstrap."""

    @cached_property
    def gold(self) -> Columns:
        """Gold labels, shape (tweets,)."""
        return columns([tweet.polarity for tweet in self.tweets])

    @property
    def predicted(self) -> Columns:
        """Predicted labels, shape (tweets,)."""
        predicted: Columns = self.probabilities.argmax(axis=1)
        return predicted

    @cached_property
    def scores(self) -> Scores:
        """Scores over all tweets."""
        return score_columns(self.gold, self.predicted)

    @cached_property
    def intervals(self) -> dict[str, Interval]:
        """Bootstrap interval of each measure."""
        return intervals(self.scores.confusion, MEASURES, self.seed)

    @cached_property
    def reliability(self) -> Reliability:
        """Reliability and sensitivity over all tweets."""
        return reliability(self.scores.confusion)

    @cached_property
    def replab(self) -> ReplabScores | None:
        """RepLab's measures; None if a tweet has no entity."""
        return ReplabScores(self.tweets, self.predicted) if have_entities(self.tweets) else None

    @cached_property
    def calibration(self) -> Calibration:
        """Calibration of the probabilities."""
        return calibration(self.probabilities, self.gold)

    def as_json(self) -> dict[str, Any]:
        """Return all measures, for programs."""
        return {
            "name": self.manifest.name,
            "precision": self.manifest.precision,
            "temperature": self.manifest.temperature,
            "files": self.manifest.files,
            **self.scores.as_json(),
            "reliability_sensitivity": self.reliability.as_json(),
            "replab": self.replab and self.replab.as_json(),
            "intervals": {name: interval.as_json() for name, interval in self.intervals.items()},
            "calibration": self.calibration.as_json(),
        }


def evaluate(
    model: Model, tweets: Sequence[LabelledTweet], seed: int, on_done: Callable[[int], None] = lambda _: None
) -> Evaluation:
    """Classify tweets as the service does, and measure the result.

    A text that is empty after cleaning, which the service would reject, is classified as an empty text.

    Args:
        model: Loaded bundle.
        tweets: Labelled tweets.
        seed: Seed of the bootstrap.
        on_done: Called with the number of tweets classified since the last call.
    """
    token_ids = [tokens.ids for tokens in model.tokenizer.encode_all([model.clean(tweet.text) for tweet in tweets])]
    chunks = []
    with BulkClassifier(model) as bulk:
        for first in range(0, len(token_ids), _CHUNK_TWEETS):
            chunks.append(bulk.submit(token_ids[first : first + _CHUNK_TWEETS]).result())
            on_done(len(chunks[-1]))
    order = [model.bundle.manifest.labels.index(polarity) for polarity in POLARITIES]
    return Evaluation(model.bundle.manifest, tweets, np.concatenate(chunks)[:, order].astype(np.float64), seed)
