"""The baselines of an experiment: majority, and TF-IDF with logistic regression."""

import json
from pathlib import Path
from typing import Any

import pytest

from stream.errors import InputError
from stream.experiment.plan import PlannedModel
from stream.experiment.subject import Runnable
from stream.tweets.tweet import Tweet
from training.simple_subjects import MajoritySubject, TfidfSubject

TWEETS = (
    [("good cake", "positive", "RL2013D01E001"), ("good sun", "positive", "RL2013D01E001")] * 5
    + [("bad train", "negative", "RL2013D01E002"), ("bad late train", "negative", "RL2013D01E002")] * 4
    + [("the train", "neutral", "RL2013D01E002"), ("the cake", "neutral", "RL2013D01E001")] * 2
)


@pytest.fixture
def train(tmp_path: Path) -> Path:
    path = tmp_path / "train.jsonl"
    lines: list[dict[str, Any]] = [
        {"id": str(number), "text": text, "polarity": polarity, "entity": entity}
        for number, (text, polarity, entity) in enumerate(TWEETS)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def label(subject: Runnable, text: str, entity: str | None = None) -> str:
    return subject.infer(subject.tokens(Tweet("1", text, entity))).polarity


def planned(kind: str) -> PlannedModel:
    return PlannedModel(name=kind, path="train.jsonl", kind=kind)


def test_majority_gives_the_most_frequent_polarity_of_the_entity(train: Path) -> None:
    subject = MajoritySubject(planned("majority"), train, 1)
    assert label(subject, "good", "RL2013D01E002") == "negative"
    assert label(subject, "bad", "RL2013D01E001") == "positive"


def test_majority_without_a_known_entity_gives_the_most_frequent_polarity_of_all(train: Path) -> None:
    subject = MajoritySubject(planned("majority"), train, 1)
    assert label(subject, "bad") == label(subject, "bad", "RL2013D99E999") == "positive"


def test_tfidf_labels_by_the_words(train: Path) -> None:
    subject = TfidfSubject(planned("tfidf"), train, 1)
    assert label(subject, "good good cake") == "positive"
    assert label(subject, "bad train, late") == "negative"


def test_tfidf_labels_a_text_of_unknown_words(train: Path) -> None:
    assert label(TfidfSubject(planned("tfidf"), train, 1), "xyzzy") in {"positive", "negative", "neutral"}


def test_tfidf_gives_the_labels_of_scikit_learn(train: Path) -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415

    texts, polarities = [text for text, _, _ in TWEETS], [polarity for _, polarity, _ in TWEETS]
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    reference = make_pipeline(vectorizer, LogisticRegression(max_iter=1000)).fit(texts, polarities)
    subject = TfidfSubject(planned("tfidf"), train, 1)
    for text in (*texts, "good good train", "the late sun", "cake cake cake the train"):
        assert label(subject, text) == reference.predict([text])[0]


@pytest.mark.parametrize("kind", [MajoritySubject, TfidfSubject])
def test_a_baseline_describes_itself(kind: Any, train: Path) -> None:
    described = kind(planned("tfidf"), train, 1).describe()
    assert (described.name, described.base, described.precision) == ("tfidf", "none", "float32")
    assert described.file_bytes > 0


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        MajoritySubject(planned("majority"), tmp_path / "train.jsonl", 1)
