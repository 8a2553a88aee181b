"""Division of labelled tweets into folds, so that teachers can be asked about tweets that they did not learn from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stream.tweets.cleaning import placeholders
from training.data.tweets import LabelledTweet
from training.duplicates import content_keys, groups
from training.teachers.keys import key_of

FOLDS = 5


@dataclass(frozen=True)
class Folds:
    """The folds of labelled tweets, and of texts that are the same tweets in other files."""

    learned: list[LabelledTweet]
    """One tweet of each group of duplicates whose labels agree."""
    fold: NDArray[np.int64]
    """Fold of each tweet of `learned`."""
    of_key: Mapping[object, int]
    """Fold by id, and by cleaned text."""

    def of_text(self, text: str) -> int:
        """Return the fold of a text; -1: no teacher learns from it."""
        return self.of_key.get(("text", placeholders(text).casefold()), -1)


def divide(tweets: Sequence[LabelledTweet], seed: int = 0) -> Folds:
    """Divide tweets; duplicates are in one fold, and those whose labels differ are not learned from."""
    found = groups(tweets)
    drawn = np.random.default_rng(seed).permutation(np.arange(len(found)) % FOLDS)
    of_key = {
        key: int(fold) for group, fold in zip(found, drawn, strict=True) for each in group for key in content_keys(each)
    }
    agreeing = [
        (group[0], int(fold))
        for group, fold in zip(found, drawn, strict=True)
        if len({tweet.polarity for tweet in group}) == 1
    ]
    return Folds([tweet for tweet, _ in agreeing], np.array([fold for _, fold in agreeing]), of_key)


def out_of_fold(logits: NDArray[np.float32], fold: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the mean logits of those teachers that did not learn from a text.

    Args:
        logits: Shape (teachers, texts, classes); teacher k did not learn from fold k % FOLDS.
        fold: Fold of each text; -1: no teacher learned from it.
    """
    own = np.arange(len(logits))[:, None] % FOLDS
    asked = (fold[None] == own) | (fold[None] < 0)
    mean: NDArray[np.float32] = (logits * asked[..., None]).sum(0) / asked.sum(0)[:, None]
    return mean


def keys_of(tweets: Sequence[LabelledTweet]) -> list[int]:
    """Return the keys of tweets with their entities."""
    return [key_of(tweet.text, tweet.entity) for tweet in tweets]
