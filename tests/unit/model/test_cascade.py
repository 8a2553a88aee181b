"""A cascade of two models: a small one answers first, and passes on the tweets that it is unsure of.

The second model of these tests calls positive what the first calls negative, so a label shows which model made it.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from stream.cli import app
from stream.errors import BundleError, SettingsError
from stream.model.bulk import label_lines
from stream.model.bundle import MODEL_FILE
from stream.model.cascade import FIRST, SECOND, CascadeClassifier, is_unsure, joined_ids, margins
from stream.model.classifier import Probabilities
from stream.model.loading import CascadeModel, Model, load_model
from stream.settings import DecisionSettings, LimitSettings, ModelSettings, load_settings
from stream.tweets.labels import Label
from stream.tweets.rejections import RejectedTweetError
from stream.tweets.tweet import Tweet
from tests.unit.fake_classifier import FakeClassifier
from tests.unit.tiny_bundle import (
    LABELS,
    OPPOSITE_WEIGHTS,
    PAIR_MANIFEST,
    write_bundle,
    write_manifest,
    write_pair_bundle,
)

SURE, UNSURE = "lovely", "lovely awful"
"""Margins of the first model: 0.73 and 0."""
THRESHOLD = 0.3


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("first"), {"name": "small"})


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("second"), {"name": "large"}, weights=OPPOSITE_WEIGHTS)


def load(
    first: Path, second: Path, threshold: float | tuple[float, float, float] = THRESHOLD, interpreters: int = 1
) -> CascadeModel:
    each = threshold if isinstance(threshold, tuple) else (threshold,) * 3
    model = load_model(ModelSettings(path=second, cascade=first, cascade_threshold=each, interpreters=interpreters))
    assert isinstance(model, CascadeModel)
    return model


def label(model: Model, text: str, entity: str | None = None) -> Label:
    tweet = Tweet("7", text, entity)
    (row,) = model.classifiers[0].probabilities([model.tokens(tweet).ids])
    return model.label(tweet, row)


def answer(model: Model, text: str, entity: str | None = None) -> tuple[str, str]:
    made = label(model, text, entity)
    assert made.model is not None
    return made.model.name, made.polarity


def test_the_first_model_answers_where_it_is_sure(first: Path, second: Path) -> None:
    assert answer(load(first, second), SURE) == ("small", "positive")


def test_a_tweet_that_the_first_model_is_unsure_of_is_passed_on(first: Path, second: Path) -> None:
    model = load(first, second)
    assert answer(model, "nice") == ("small", "positive")
    assert answer(load(first, second, 0.5), "nice") == ("large", "negative")
    assert label(model, UNSURE).model == model.bundle.identity


def test_the_probabilities_are_those_of_the_model_that_answered(first: Path, second: Path) -> None:
    alone = [load_model(ModelSettings(path=path, interpreters=1)) for path in (first, second)]
    expected = [label(model, SURE).probabilities for model in alone]
    assert label(load(first, second, 0.0), SURE).probabilities == expected[0]
    assert label(load(first, second, 1.0), SURE).probabilities == expected[1]


def test_a_threshold_for_each_polarity_is_that_of_the_first_models_most_probable_one(first: Path, second: Path) -> None:
    model = load(first, second, (1.0, 0.0, 0.0))
    assert answer(model, "awful") == ("large", "positive")
    assert answer(model, "lovely") == ("small", "positive")
    assert answer(model, "train") == ("small", "neutral")


def test_the_columns_of_the_models_may_be_in_other_orders(second: Path, tmp_path: Path) -> None:
    first = write_bundle(tmp_path, {"labels": ["neutral", "positive", "negative"], "name": "small"})
    model = load(first, second, (0.0, 0.0, 1.0))
    assert answer(model, "awful") == ("small", "neutral")  # the first column of this model
    assert answer(model, "train") == ("large", "neutral")  # it calls this positive, whose threshold is 1


def test_a_batch_is_divided_between_the_models(first: Path, second: Path) -> None:
    model = load(first, second)
    texts = [SURE, UNSURE, "awful", "train lovely awful"]
    rows = model.classifiers[0].probabilities([model.tokens(Tweet("1", text)).ids for text in texts])
    assert rows[:, -1].tolist() == [FIRST, SECOND, FIRST, SECOND]


@given(tweets=st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=1, max_size=12), shared=st.booleans())
def test_each_tweet_of_a_batch_gets_its_own_row(tweets: list[tuple[int, bool]], *, shared: bool) -> None:
    asked = Recorder([number for number, unsure in tweets if not unsure]), Recorder([])
    cascade = CascadeClassifier(*asked, columns=[0, 1, 2], thresholds=[0.5] * 3, longest=16, shared=shared)
    ids = [[number] for number, _ in tweets]
    rows = cascade.probabilities(ids if shared else [joined_ids(each, each) for each in ids])
    sure = asked[0].sure
    assert [[number] for number in asked[1].asked] == [each for each in ids if each[0] not in sure]
    assert rows[:, -1].tolist() == [FIRST if number in sure else SECOND for number, _ in tweets]


class Recorder(FakeClassifier):
    """Is sure of the rows that begin with one of these ids."""

    def __init__(self, sure: Sequence[int]) -> None:
        super().__init__()
        self.sure = set(sure)
        self.asked: list[int] = []

    def probabilities(self, batch: Sequence[Sequence[int]]) -> Probabilities:
        self.asked += [ids[0] for ids in batch]
        return np.array([[0.9, 0.1, 0] if ids[0] in self.sure else [0.4, 0.3, 0.3] for ids in batch], np.float32)


def test_the_second_model_is_not_asked_without_need() -> None:
    first, second = Recorder([1, 2]), Recorder([])
    cascade = CascadeClassifier(first, second, columns=[0, 1, 2], thresholds=[0.5] * 3, longest=16, shared=True)
    cascade.probabilities([[1], [2]])
    assert (first.asked, second.asked) == ([1, 2], [])


def test_margins_are_differences_of_the_two_highest_probabilities() -> None:
    rows = np.array([[0.5, 0.25, 0.25], [0.125, 0.125, 0.75]], dtype=np.float32)
    assert margins(rows).tolist() == [0.25, 0.625]
    assert is_unsure(rows, np.array([0.25, 0, 0.7], dtype=np.float32)).tolist() == [False, True]


def test_models_with_the_same_tokens_share_them(first: Path, second: Path) -> None:
    model = load(first, second)
    assert model.shared
    assert model.tokens(Tweet("1", SURE)) == load_model(ModelSettings(path=second)).tokens(Tweet("1", SURE))


def test_each_model_has_its_own_cleaning_and_length(second: Path, tmp_path: Path) -> None:
    changes = {"cleaning": {"name": "paper", "version": 1}, "max_tokens": 8, "length_buckets": [4, 8], "name": "small"}
    model = load(write_bundle(tmp_path, changes), second)
    assert not model.shared
    tokens = model.tokens(Tweet("1", f"{SURE} https://t.co/x"))
    of_first = model.first.tokens(Tweet("1", SURE)).ids
    of_second = load_model(ModelSettings(path=second)).tokens(Tweet("1", f"{SURE} https://t.co/x")).ids
    assert tokens.ids == joined_ids(of_first, of_second)
    assert tokens.count == len(of_second)
    assert answer(model, SURE) == ("small", "positive")
    assert answer(model, UNSURE)[0] == "large"
    for words in range(1, 40):
        ids = model.tokens(Tweet("1", "lovely " * words)).ids
        assert model.classifiers[0].bucket(len(ids)) in {4, 8, 12}


def test_a_tweet_of_which_the_first_cleaning_leaves_nothing_is_for_the_second_model(
    second: Path, tmp_path: Path
) -> None:
    model = load(write_bundle(tmp_path, {"cleaning": {"name": "paper", "version": 1}, "name": "small"}), second)
    assert answer(model, "https://t.co/x")[0] == "large"


def test_many_texts_are_tokenised_like_single_ones(second: Path, tmp_path: Path) -> None:
    model = load(write_bundle(tmp_path, {"cleaning": {"name": "paper", "version": 1}}), second)
    tweets = [Tweet("1", text) for text in (SURE, "nice https://t.co/x", "https://t.co/x")]
    assert model.all_tokens(tweets, list(map(model.cleaned, tweets))) == list(map(model.tokens, tweets))


def test_a_tweet_about_an_entity_that_only_the_second_model_reads_is_for_that_model(
    first: Path, tmp_path: Path
) -> None:
    model = load(first, write_pair_bundle(tmp_path))
    assert answer(model, SURE, "Globex") == ("tiny-pair", "negative")
    assert label(model, SURE, "Globex").entity_used
    assert answer(model, SURE) == ("small", "positive")


def test_two_models_that_read_entities_both_get_them(tmp_path: Path) -> None:
    first, second = write_pair_bundle(tmp_path / "1", {"name": "small"}), write_pair_bundle(tmp_path / "2")
    with (second / MODEL_FILE).open("ab") as file:
        file.write(bytes(4))  # another model
    write_manifest(second, **PAIR_MANIFEST)
    made = label(load(first, second), "train", "Acme")
    assert (made.polarity, made.entity_used, made.model and made.model.name) == ("positive", True, "small")


def test_a_first_model_that_reads_entities_needs_a_second_one_that_does(second: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"reads entities, and .* does not: use a first model without entities"):
        load(write_pair_bundle(tmp_path), second)


def test_the_same_model_twice_is_refused(first: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"model\.cascade is the same model as model\.path .*: name a smaller one"):
        load(first, write_bundle(tmp_path, {"name": "copy"}))


def test_a_missing_first_bundle_is_refused_by_its_path(second: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=f"no model bundle at {tmp_path / 'none'}"):
        load(tmp_path / "none", second)


def test_a_bundle_of_other_classes_is_refused(second: Path, tmp_path: Path) -> None:
    first = write_bundle(tmp_path, {"labels": ["negative", "positive"]}, columns=2)
    with pytest.raises(BundleError, match="labels must be negative, neutral, positive in some order"):
        load(first, second)


def test_each_interpreter_has_one_of_each_model(first: Path, second: Path) -> None:
    assert len(load(first, second, interpreters=3).classifiers) == 3


def test_lines_are_labelled_by_both_models(first: Path, second: Path) -> None:
    lines = [orjson.dumps({"id": place, "text": text}) for place, text in enumerate([SURE, UNSURE] * 20)]
    outcomes = list(label_lines(load(first, second, interpreters=2), lines, LimitSettings()))
    names = [outcome.model.name for outcome in outcomes if isinstance(outcome, Label) and outcome.model]
    assert names == ["small", "large"] * 20


def test_the_prior_of_the_decision_is_weighed_against_the_model_that_answered(second: Path, tmp_path: Path) -> None:
    calibrated = {"method": "biases", "prior": [0.2, 0.2, 0.6]}
    first = write_bundle(tmp_path, {"calibration": calibrated, "name": "small"})
    lines = [orjson.dumps({"id": "1", "text": SURE})]
    (outcome,) = label_lines(load(first, second), lines, LimitSettings(), DecisionSettings(prior=(0.2, 0.2, 0.6)))
    assert isinstance(outcome, Label)
    assert outcome.probabilities == pytest.approx(label(load(first, second), SURE).probabilities)


def test_a_text_that_is_empty_after_the_second_cleaning_is_rejected(first: Path, second: Path) -> None:
    with pytest.raises(RejectedTweetError, match="leaves nothing"):
        load(first, second).tokens(Tweet("1", "\x00\x01"))


def test_classify_names_the_model_of_each_label(first: Path, second: Path, tmp_path: Path) -> None:
    file = tmp_path / "tweets.txt"
    file.write_text(f"{SURE}\n{UNSURE}\n")
    options = ["--model", str(second), "--cascade", str(first), "--cascade-threshold", "0.3,0.3,0.3"]
    result = CliRunner().invoke(app, ["classify", str(file), "--text", *options], catch_exceptions=False)
    lines = [orjson.loads(line) for line in result.stdout.splitlines()]
    assert [line["model"]["name"] for line in lines] == ["small", "large"]


def test_classify_without_a_cascade_names_no_model(first: Path, tmp_path: Path) -> None:
    file = tmp_path / "tweets.txt"
    file.write_text(SURE)
    result = CliRunner().invoke(app, ["classify", str(file), "--text", "--model", str(first)], catch_exceptions=False)
    assert "model" not in orjson.loads(result.stdout.splitlines()[0])


def test_check_names_both_models(first: Path, second: Path, tmp_path: Path) -> None:
    config = tmp_path / "starling.toml"
    config.write_text(f'[model]\npath = "{second}"\ncascade = "{first}"\ncascade_threshold = 0.3\ninterpreters = 1\n')
    result = CliRunner().invoke(app, ["check", "--config", str(config), "--json"])
    (says,) = (part["says"] for part in orjson.loads(result.stdout)["parts"] if part["part"] == "model")
    assert re.match(r"small \(float32, sha256 \w{12}\) before large \(float32, sha256 \w{12}\) calls a", says)


@pytest.mark.parametrize(
    ("given_settings", "message"),
    [
        ({"cascade": "fast"}, "cascade and cascade_threshold belong together"),
        ({"cascade_threshold": 0.3}, "cascade and cascade_threshold belong together"),
        ({"cascade": "fast", "cascade_threshold": 1.01}, "must be from 0 to 1"),
        ({"cascade": "fast", "cascade_threshold": -0.1}, "must be from 0 to 1"),
        ({"cascade": "fast", "cascade_threshold": float("nan")}, "must be from 0 to 1"),
        ({"cascade": "fast", "cascade_threshold": True}, "write a number, or three"),
        ({"cascade": "fast", "cascade_threshold": [0.1, 0.2]}, "write a number, or three"),
        ({"cascade": "fast", "cascade_threshold": [0.1, 0.2, "0.3"]}, "write a number, or three"),
        ({"cascade": "fast", "path": "fast", "cascade_threshold": 0.3}, "name the same bundle"),
    ],
)
def test_wrong_settings_are_refused(given_settings: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load_settings(overrides={"model": given_settings})


def test_one_threshold_is_that_of_all_polarities() -> None:
    settings = load_settings(overrides={"model": {"cascade": "fast", "cascade_threshold": 0}})
    assert settings.model.cascade_threshold == (0, 0, 0)
    assert len(LABELS) == 3


def test_the_threshold_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STARLING_MODEL__CASCADE", "fast")
    monkeypatch.setenv("STARLING_MODEL__CASCADE_THRESHOLD", "[0.3, 0.2, 0.1]")
    assert load_settings().model.cascade_threshold == (0.3, 0.2, 0.1)
