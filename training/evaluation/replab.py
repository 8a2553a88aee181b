"""RepLab's measures of polarity: over all tweets, and as means over the entities."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from training.data.tweets import LabelledTweet
from training.evaluation.reliability import reliability
from training.scores import Columns, Scores, columns, score_columns

TITLES = {
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "weighted_f1": "weighted F1",
    "reliability": "reliability",
    "sensitivity": "sensitivity",
    "reliability_sensitivity_f": "F of reliability and sensitivity",
}


@dataclass(frozen=True)
class ReplabScores:
    """Scores of predicted labels of tweets that all have an entity."""

    tweets: Sequence[LabelledTweet]
    predicted: Columns
    """Predicted labels, shape (tweets,)."""

    @cached_property
    def overall(self) -> dict[str, float]:
        """Measures over all tweets together."""
        return _measures(score_columns(self._gold, self.predicted), macro_f1_of_occurring_classes=False)

    @cached_property
    def entity_means(self) -> dict[str, float]:
        """Mean of each measure over the entities.

        The macro-F1 of an entity is over the classes that occur in its gold or predicted labels.
        """
        entities = np.array([tweet.entity for tweet in self.tweets])
        each = []
        for entity in np.unique(entities):
            own = entities == entity
            scores = score_columns(self._gold[own], self.predicted[own])
            each.append(_measures(scores, macro_f1_of_occurring_classes=True))
        return {name: float(np.mean([measures[name] for measures in each])) for name in TITLES}

    def as_json(self) -> dict[str, dict[str, float]]:
        """Return all measures, rounded to four decimal places."""
        return {
            "overall": {name: round(value, 4) for name, value in self.overall.items()},
            "entity_means": {name: round(value, 4) for name, value in self.entity_means.items()},
        }

    @cached_property
    def _gold(self) -> Columns:
        return columns([tweet.polarity for tweet in self.tweets])


def have_entities(tweets: Sequence[LabelledTweet]) -> bool:
    """Return whether all tweets have an entity."""
    return all(tweet.entity for tweet in tweets)


def _measures(scores: Scores, *, macro_f1_of_occurring_classes: bool) -> dict[str, float]:
    relations = reliability(scores.confusion)
    occurring = (scores.confusion.sum(axis=0) + scores.confusion.sum(axis=1)) > 0
    return {
        "accuracy": scores.accuracy,
        "macro_f1": float(scores.f1[occurring].mean()) if macro_f1_of_occurring_classes else scores.macro_f1,
        "weighted_f1": scores.weighted_f1,
        "reliability": relations.reliability,
        "sensitivity": relations.sensitivity,
        "reliability_sensitivity_f": relations.f,
    }
