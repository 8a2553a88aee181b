import os
from pathlib import Path

import numpy as np
import pytest

from stream.errors import BundleError
from stream.model.bundle import SHIPPED_BUNDLE
from stream.model.classifier import Classifier
from stream.model.loading import Model, available_cores, load_model
from stream.settings import ModelSettings
from stream.tweets.rejections import Reason, RejectedTweetError
from stream.tweets.tweet import Tweet
from tests.unit.tiny_bundle import write_bundle

THREE_QUARTERS_POSITIVE = np.array([0.125, 0.125, 0.75], dtype=np.float32)


def test_a_tweet_is_cleaned_as_the_manifest_says(tmp_path: Path) -> None:
    tweet = Tweet("7", "lovely! https://t.co/x")
    paper = load_model(ModelSettings(path=write_bundle(tmp_path, {"cleaning": {"name": "paper", "version": 1}})))
    assert paper.cleaned(tweet) == "lovely"


def test_a_tweet_is_tokenised_after_cleaning(tiny_model: Model) -> None:
    assert tiny_model.tokens(Tweet("7", "lovely\n\ntrain")) == tiny_model.tokens(Tweet("8", "lovely train"))


def test_a_tweet_without_text_after_cleaning_is_rejected(tiny_model: Model) -> None:
    with pytest.raises(RejectedTweetError, match="leaves nothing") as caught:
        tiny_model.tokens(Tweet("7", "\x00\x01"))
    assert (caught.value.reason, caught.value.tweet_id) == (Reason.NOTHING_LEFT, "7")


def test_a_label_names_the_most_probable_polarity(tiny_model: Model) -> None:
    tweet = Tweet("7", "nice")
    label = tiny_model.label(tweet, THREE_QUARTERS_POSITIVE)
    assert (label.tweet, label.polarity, label.confidence) == (tweet, "positive", 0.75)
    assert label.probabilities == {"negative": 0.125, "neutral": 0.125, "positive": 0.75}


def test_the_columns_are_in_the_order_of_the_manifests_labels(tmp_path: Path) -> None:
    model = load_model(ModelSettings(path=write_bundle(tmp_path, {"labels": ["neutral", "positive", "negative"]})))
    assert model.label(Tweet("7", "nice"), THREE_QUARTERS_POSITIVE).polarity == "negative"


def test_a_model_has_as_many_interpreters_as_the_settings_say(tiny_bundle: Path) -> None:
    assert len(load_model(ModelSettings(path=tiny_bundle, interpreters=3)).classifiers) == 3


@pytest.mark.parametrize("cores", [1, 2, 3])
def test_by_default_there_are_no_more_interpreters_than_cores(
    monkeypatch: pytest.MonkeyPatch, tiny_bundle: Path, cores: int
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(cores)))
    assert 1 <= len(load_model(ModelSettings(path=tiny_bundle)).classifiers) <= cores


def test_the_cores_are_those_that_this_process_may_use() -> None:
    assert available_cores() == len(os.sched_getaffinity(os.getpid()))


def test_a_loaded_model_is_warm(tiny_bundle: Path) -> None:
    model = load_model(ModelSettings(path=tiny_bundle, interpreters=2))
    shapes = [classifier.shape for classifier in model.classifiers if isinstance(classifier, Classifier)]
    assert shapes == [(1, 12), (1, 12)]


def test_without_a_path_the_shipped_bundle_is_loaded(shipped_model: Model) -> None:
    assert shipped_model.bundle.path == SHIPPED_BUNDLE
    assert load_model(ModelSettings(interpreters=1)).bundle == shipped_model.bundle


def test_a_model_with_an_unknown_cleaning_is_refused(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path, {"cleaning": {"name": "placeholders", "version": 2}})
    with pytest.raises(BundleError, match="'placeholders' version 2"):
        load_model(ModelSettings(path=folder))
