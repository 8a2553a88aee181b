"""Trivial baselines for tweets with entities, beside which the scores of a bundle are shown."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from stream.tweets.cleaning import placeholders
from stream.tweets.polarity import POLARITIES, Polarity
from training.data.tweets import LabelledTweet
from training.duplicates import exclude
from training.scores import Columns, columns


def baseline_labels(tweets: Sequence[LabelledTweet], train: Sequence[LabelledTweet]) -> dict[str, Columns]:
    """Return the labels that each baseline predicts, by its name.

    Args:
        tweets: Tweets with entities, which are labelled.
        train: Training data of the baselines; it excludes `tweets`. If it is empty, the majorities are those of
            `tweets`, an upper bound of this baseline, and there is no TF-IDF baseline.
    """
    always: dict[str, Columns] = {"always positive": columns(["positive"] * len(tweets))}
    if not train:
        return always | {"majority of each entity in this data": _majorities(tweets, tweets)}
    train = exclude(train, tweets)
    return always | {
        "majority of each entity": _majorities(tweets, train),
        "TF-IDF, logistic regression": _tf_idf(tweets, train, class_weight=None),
        "the same, balanced classes": _tf_idf(tweets, train, class_weight="balanced"),
    }


def _majorities(tweets: Sequence[LabelledTweet], train: Sequence[LabelledTweet]) -> Columns:
    """Return the majority polarity of each tweet's entity; of unknown entities, that of all training tweets."""
    polarities: dict[str | None, list[Polarity]] = defaultdict(list)
    for tweet in train:
        polarities[tweet.entity].append(tweet.polarity)
    fallback = _most_frequent(tweet.polarity for tweet in train)
    majorities = {entity: _most_frequent(each) for entity, each in polarities.items()}
    return columns([majorities.get(tweet.entity, fallback) for tweet in tweets])


def _most_frequent(polarities: Iterable[Polarity]) -> Polarity:
    counted = Counter(polarities)
    return max(POLARITIES, key=lambda polarity: counted[polarity])


def _tf_idf(tweets: Sequence[LabelledTweet], train: Sequence[LabelledTweet], class_weight: str | None) -> Columns:
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 - a slow import, rarely needed
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415

    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        LogisticRegression(max_iter=1000, class_weight=class_weight),
    )
    model.fit([placeholders(tweet.text) for tweet in train], columns([tweet.polarity for tweet in train]))
    return np.asarray(model.predict([placeholders(tweet.text) for tweet in tweets]), dtype=np.intp)
