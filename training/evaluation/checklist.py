"""Accuracy by kind of everyday tweet, in the manner of CheckList (Ribeiro et al., 2020).

The tweets are in training/checklist. They are never used for training.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import sqrt
from pathlib import Path
from typing import Any

import orjson

from stream.model.loading import Model
from training.data.tweets import LabelledTweet
from training.evaluation.evaluation import evaluate
from training.evaluation.tables import Grid

CHECKLIST = Path(__file__).parent.parent / "checklist" / "tweets.jsonl"
ALL_KINDS = "all"
_NORMAL_QUANTILE = 1.96
"""Quantile of a two-sided 95 % interval."""


@dataclass(frozen=True)
class KindScore:
    """Right answers among the tweets of a kind."""

    right: int
    tweets: int

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return self.right / self.tweets

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the accuracy."""
        square = _NORMAL_QUANTILE**2
        centre = (self.right + square / 2) / (self.tweets + square)
        spread = self.right * (self.tweets - self.right) / self.tweets + square / 4
        half = _NORMAL_QUANTILE * sqrt(spread) / (self.tweets + square)
        return centre - half, centre + half

    def as_json(self) -> dict[str, Any]:
        """Return the score for programs."""
        low, high = self.interval
        return {"tweets": self.tweets, "accuracy": round(self.accuracy, 4), "interval": [round(low, 4), round(high, 4)]}


KindScores = Mapping[str, KindScore]
"""Scores by kind, and over all kinds."""


@cache
def checklist_tweets() -> Mapping[str, Sequence[LabelledTweet]]:
    """Return the tweets by kind."""
    kinds: dict[str, list[LabelledTweet]] = {}
    for line in CHECKLIST.read_bytes().splitlines():
        tweet = orjson.loads(line)
        labelled = LabelledTweet(id=tweet["id"], text=tweet["text"], polarity=tweet["polarity"])
        kinds.setdefault(tweet["kind"], []).append(labelled)
    return kinds


def check_model(model: Model, on_done: Callable[[int], None] = lambda _: None) -> KindScores:
    """Label the tweets with a model.

    Args:
        model: The model.
        on_done: Called with the number of further tweets that are labelled.
    """
    kinds = checklist_tweets()
    tweets = [tweet for each in kinds.values() for tweet in each]
    evaluation = evaluate(model, tweets, seed=0, on_done=on_done)
    right = {
        tweet.id: bool(equal)
        for tweet, equal in zip(evaluation.tweets, evaluation.predicted == evaluation.gold, strict=True)
    }
    scores = {kind: KindScore(sum(right[tweet.id] for tweet in each), len(each)) for kind, each in kinds.items()}
    return scores | {ALL_KINDS: KindScore(sum(right.values()), len(right))}


def checklist_grid(scores: Mapping[str, KindScores]) -> Grid:
    """Return the accuracy by kind of bundles, with intervals, in percent.

    Args:
        scores: Scores by name of the bundle.
    """
    first = next(iter(scores.values()))
    rows = [(kind, str(first[kind].tweets), *(_cell(each[kind]) for each in scores.values())) for kind in first]
    return Grid("Accuracy by kind of everyday tweet", ("kind", "tweets", *scores), rows)


def _cell(score: KindScore) -> str:
    low, high = score.interval
    return f"{100 * score.accuracy:.0f} [{100 * low:.0f}, {100 * high:.0f}]"
