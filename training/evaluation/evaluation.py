"""Evaluation of a bundle on labelled tweets, with the service's own classifier."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stream.errors import InputError
from stream.model.bulk import BulkClassifier
from stream.model.bundle import Manifest
from stream.model.cascade import FIRST
from stream.model.classifier import AnyClassifier, Classifier
from stream.model.classifier import softmax as service_softmax
from stream.model.decision import Decision, DecisionRule
from stream.model.loading import CascadeModel, Model
from stream.settings import DecisionSettings
from stream.tweets.polarity import POLARITIES, Polarity
from stream.tweets.tweet import Tweet
from training.data.tweets import LabelledTweet
from training.evaluation.bootstrap import Interval, intervals
from training.evaluation.calibration import Calibration, Logits, Probabilities, calibration, softmax
from training.evaluation.measures import MEASURES
from training.evaluation.reliability import Reliability, reliability
from training.evaluation.replab import ReplabScores, have_entities
from training.evaluation.stored_calibration import stored_calibration
from training.scores import Columns, Scores, columns, score_columns

_CHUNK_TWEETS = 512
"""Number of tweets between two reports of progress."""


@dataclass(frozen=True)
class Evaluation:
    """Outputs of a bundle for labelled tweets, and all measures of them."""

    manifest: Manifest
    tweets: Sequence[LabelledTweet]
    """The tweets that get a label, which are all, unless the decision rejects unsure ones."""
    logits: Logits
    """Logits of the model file, shape (tweets, 3), in the order of POLARITIES."""
    probabilities: Probabilities
    """Shape (tweets, 3), in the order of POLARITIES."""
    predicted: Columns
    """Predicted labels, shape (tweets,)."""
    seed: int
    """Seed of the bootstrap."""
    places: NDArray[np.intp]
    """Places of the tweets among those that were to be evaluated."""
    confident: float
    """Share of those that were to be evaluated whose confidence is not below the threshold; 1 without a threshold."""
    passed_on: float | None = None
    """Share of those that a cascade's first model passed on; None: it is no cascade."""

    @cached_property
    def gold(self) -> Columns:
        """Gold labels, shape (tweets,)."""
        return columns([tweet.polarity for tweet in self.tweets])

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

    @cached_property
    def uncalibrated(self) -> Calibration | None:
        """Calibration of the probabilities without the bundle's own calibration; None if it has none."""
        stored = stored_calibration(self.manifest)
        if stored is None and self.manifest.temperature == 1:
            return None
        logits = self.logits if stored is None else stored.change.invert(self.logits)
        return calibration(softmax(logits), self.gold)

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
            "uncalibrated": self.uncalibrated and self.uncalibrated.as_json(),
            "coverage": round(self.confident, 4),
            **({"passed_on": round(self.passed_on, 4)} if self.passed_on is not None else {}),
        }


def evaluate(
    model: Model,
    tweets: Sequence[LabelledTweet],
    seed: int,
    on_done: Callable[[int], None] = lambda _: None,
    decision: DecisionSettings | None = None,
    *,
    with_entity: bool = True,
) -> Evaluation:
    """Classify tweets as the service does, and measure the result.

    A text that is empty after cleaning, which the service would reject, is classified as an empty text.

    Args:
        model: Loaded bundle.
        tweets: Labelled tweets.
        seed: Seed of the bootstrap.
        on_done: Called with the number of tweets classified since the last call.
        decision: The settings of the decision for a polarity; None: the most probable one.
        with_entity: Whether a model that reads entities is given those of the tweets.

    Raises:
        InputError: The decision rejects all tweets.
    """
    decision = decision or DecisionSettings()
    outputs = _outputs(model, tweets, on_done, with_entity=with_entity)
    manifest, logits = outputs.manifest, outputs.logits
    rules = [DecisionRule(decision, bundle.manifest.class_prior) for bundle in model.bundles]
    decisions = _decisions([rules[number] for number in outputs.answering], outputs.probabilities, manifest.labels)
    order = [manifest.labels.index(polarity) for polarity in POLARITIES]
    places = np.flatnonzero([each.unsure is None for each in decisions])
    if not len(places):
        raise InputError(f"{manifest.name} is unsure of all {len(tweets):,} tweets: lower --threshold")
    kept = [decisions[place] for place in places]
    weighted = np.array([[each.probabilities[polarity] for polarity in POLARITIES] for each in kept])
    return Evaluation(
        manifest,
        [tweets[int(place)] for place in places],
        logits=logits[places][:, order].astype(np.float64),
        probabilities=weighted,
        predicted=columns([each.polarity for each in kept]),
        seed=seed,
        places=places,
        confident=float(np.mean([each.confident for each in decisions])),
        passed_on=float(outputs.answering.mean()) if isinstance(model, CascadeModel) else None,
    )


@dataclass(frozen=True)
class _Outputs:
    """Outputs of a model for tweets; columns in the order of the manifest's labels."""

    manifest: Manifest
    """A cascade's is that of its second model, with the names of both and without a calibration."""
    logits: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    answering: NDArray[np.intp]
    """Number of the bundle whose model answered, shape (tweets,)."""


def _outputs(
    model: Model, tweets: Sequence[LabelledTweet], on_done: Callable[[int], None], *, with_entity: bool
) -> _Outputs:
    manifest = model.bundle.manifest
    if not isinstance(model, CascadeModel):
        logits = _rows(model, tweets, on_done, _logits_of, with_entity=with_entity)
        probabilities = service_softmax(logits, manifest.temperature)
        return _Outputs(manifest, logits, probabilities, np.zeros(len(tweets), dtype=np.intp))
    rows = _rows(model, tweets, on_done, None, with_entity=with_entity)
    name = f"{model.first.bundle.manifest.name} before {manifest.name}"
    changes = {"name": name, "temperature": 1.0, "calibration": {}}
    probabilities, answering = rows[:, :-1], (rows[:, -1] != FIRST).astype(np.intp)
    smallest = np.finfo(np.float32).tiny
    return _Outputs(
        manifest.model_copy(update=changes), np.log(np.maximum(probabilities, smallest)), probabilities, answering
    )


def _rows(
    model: Model,
    tweets: Sequence[LabelledTweet],
    on_done: Callable[[int], None],
    compute: Callable[[AnyClassifier, Sequence[Sequence[int]]], NDArray[np.float32]] | None,
    *,
    with_entity: bool,
) -> NDArray[np.float32]:
    """Return the classifier's row for each tweet."""
    plain = [Tweet(tweet.id, tweet.text, tweet.entity if with_entity else None) for tweet in tweets]
    token_ids = [tokens.ids for tokens in model.all_tokens(plain, [model.clean(tweet.text) for tweet in tweets])]
    chunks = []
    with BulkClassifier(model, compute) as bulk:
        for first in range(0, len(token_ids), _CHUNK_TWEETS):
            chunks.append(bulk.submit(token_ids[first : first + _CHUNK_TWEETS]).result())
            on_done(len(chunks[-1]))
    return np.concatenate(chunks)


def _logits_of(classifier: AnyClassifier, batch: Sequence[Sequence[int]]) -> NDArray[np.float32]:
    if not isinstance(classifier, Classifier):
        raise TypeError("a cascade has no logits of its own")
    return classifier.logits(batch)


def _decisions(
    rules: Sequence[DecisionRule], probabilities: NDArray[np.float32], labels: Sequence[Polarity]
) -> list[Decision]:
    """Decide for each row, whose columns are in the order of the manifest's labels, by its rule."""
    return [
        rule.decide(dict(zip(labels, row, strict=True)))
        for rule, row in zip(rules, probabilities.tolist(), strict=True)
    ]
