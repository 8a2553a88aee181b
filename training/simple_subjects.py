"""Simple baselines for an experiment's plan: what a classifier is worth that reads little or nothing of a tweet.

[[models]]
name = "majority"       # the most frequent polarity: of the tweet's entity, if the data names entities
kind = "majority"
path = "train.jsonl"

[[models]]
name = "tfidf"          # TF-IDF of words and pairs of words, logistic regression
kind = "tfidf"
path = "train.jsonl"

`path` is labelled tweets to learn from, as `starling tweets export` writes them; the baseline is fitted when it is
loaded, which is part of its loading time. They run on one thread. They are the baselines of
training/evaluation/baselines.py, tweet by tweet.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stream.experiment.labelled import GoldTweet, read_labelled
from stream.experiment.plan import PlannedModel
from stream.experiment.results import Subject
from stream.experiment.subject import Inference
from stream.model.bundle import file_sha256
from stream.model.tokenizer import Tokens
from stream.tweets.cleaning import placeholders
from stream.tweets.polarity import POLARITIES, Polarity
from stream.tweets.tweet import Tweet

_FLOAT32_BYTES = 4
_PAIRS_OF_WORDS = (1, 2)


class MajoritySubject:
    """The most frequent polarity of the tweet's entity or, if it is not known, of all tweets.

    Args:
        model: Entry of the plan.
        path: Labelled tweets to learn from.
        threads: Not used.

    Raises:
        InputError: The tweets cannot be read.
    """

    def __init__(self, model: PlannedModel, path: Path, threads: int) -> None:  # noqa: ARG002  (all kinds take threads)
        tweets = read_labelled(path)
        self._name, self._sha256 = model.name, file_sha256(path)
        self._overall = _most_frequent(tweet.polarity for tweet in tweets)
        self._by_entity = _majorities(tweets)

    def describe(self) -> Subject:
        """Return name, origin and sizes."""
        size = sum(len(entity) + 1 for entity in self._by_entity) + 1
        return _described("majority", self._name, self._sha256, size)

    def tokens(self, tweet: Tweet) -> Tokens:
        """Return the polarity of the tweet's entity as the only token."""
        polarity = self._by_entity.get(tweet.entity or "", self._overall)
        return Tokens([POLARITIES.index(polarity)], truncated=False)

    def infer(self, tokens: Tokens) -> Inference:
        """Return the polarity."""
        return Inference(POLARITIES[tokens.ids[0]], len(tokens.ids))

    def macs(self, padded_tokens: Iterable[int]) -> dict[int, int]:
        """Return 0: nothing is multiplied."""
        return dict.fromkeys(padded_tokens, 0)


class TfidfSubject:
    """Logistic regression on the TF-IDF of words and pairs of words.

    Args:
        model: Entry of the plan.
        path: Labelled tweets to learn from.
        threads: Not used.

    Raises:
        InputError: The tweets cannot be read.
    """

    def __init__(self, model: PlannedModel, path: Path, threads: int) -> None:  # noqa: ARG002
        from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415  (slow, and not for `majority`)
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

        tweets = read_labelled(path)
        self._name, self._sha256 = model.name, file_sha256(path)
        vectorizer = TfidfVectorizer(ngram_range=_PAIRS_OF_WORDS, sublinear_tf=True)
        features = vectorizer.fit_transform([placeholders(each.tweet.text) for each in tweets])
        regression = LogisticRegression(max_iter=1000).fit(features, [each.polarity for each in tweets])
        self._analyse: Callable[[str], Sequence[str]] = vectorizer.build_analyzer()
        self._columns: dict[str, int] = vectorizer.vocabulary_
        self._idf = np.asarray(vectorizer.idf_, dtype=np.float32)
        self._weights, self._bias = _by_class(regression)
        self._classes: list[Polarity] = list(regression.classes_)

    def describe(self) -> Subject:
        """Return name, origin and sizes: vocabulary, inverse document frequencies and weights."""
        numbers = self._idf.size + self._weights.size + self._bias.size
        size = _FLOAT32_BYTES * numbers + sum(len(word.encode()) + 1 for word in self._columns)
        return _described("tfidf", self._name, self._sha256, size)

    def tokens(self, tweet: Tweet) -> Tokens:
        """Return the columns of the words and pairs of words of a tweet that are in the vocabulary."""
        found = (self._columns.get(term) for term in self._analyse(placeholders(tweet.text)))
        return Tokens([column for column in found if column is not None], truncated=False)

    def infer(self, tokens: Tokens) -> Inference:
        """Classify one tweet."""
        columns, counts = np.unique(np.array(tokens.ids, dtype=np.intp), return_counts=True)
        features = (1 + np.log(counts)) * self._idf[columns]
        length = np.linalg.norm(features) or 1.0
        scores = self._weights[:, columns] @ (features / length) + self._bias
        return Inference(self._classes[int(scores.argmax())], len(tokens.ids))

    def macs(self, padded_tokens: Iterable[int]) -> dict[int, int]:
        """Return one multiplication per class and term, as if no term occurred twice."""
        return {length: len(self._classes) * length for length in padded_tokens}


def _by_class(regression: Any) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:  # noqa: ANN401  (no types)
    """Return weights (classes, columns) and bias (classes); of two classes scikit-learn keeps only the second's."""
    weights, bias = regression.coef_.astype(np.float32), regression.intercept_.astype(np.float32)
    if len(regression.classes_) == 2:  # noqa: PLR2004
        return np.vstack([-weights, weights]), np.concatenate([-bias, bias])
    return weights, bias


def _majorities(tweets: Sequence[GoldTweet]) -> dict[str, Polarity]:
    polarities: dict[str, list[Polarity]] = {}
    for each in tweets:
        if each.tweet.entity is not None:
            polarities.setdefault(each.tweet.entity, []).append(each.polarity)
    return {entity: _most_frequent(found) for entity, found in polarities.items()}


def _most_frequent(polarities: Iterable[Polarity]) -> Polarity:
    counted = Counter(polarities)
    return max(POLARITIES, key=lambda polarity: counted[polarity])


def _described(kind: str, name: str, sha256: str, file_bytes: int) -> Subject:
    return Subject(
        kind=kind,
        name=name,
        base="none",
        precision="float32",
        sha256=sha256,
        runtime=f"NumPy {np.__version__}",
        file_bytes=file_bytes,
        padding="none",
    )
