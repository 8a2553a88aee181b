"""Models that read the name of an entity beside the tweet."""

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer as HuggingFaceTokenizer

from stream.errors import BundleError
from stream.experiment.plan import PlannedModel
from stream.experiment.subject import load_subject
from stream.model.bulk import label_lines
from stream.model.bundle import (
    MODEL_FILE,
    MOST_ENTITY_TOKENS,
    SHIPPED_BUNDLE,
    TOKENIZER_FILE,
    Bundle,
    Manifest,
    load_bundle,
)
from stream.model.classifier import Classifier
from stream.model.loading import Model, load_model
from stream.model.macs import count_macs
from stream.model.segments import token_types
from stream.model.tokenizer import Tokenizer
from stream.settings import LimitSettings, ModelSettings
from stream.tweets.cleaning import entity_name, placeholders
from stream.tweets.labels import Label
from stream.tweets.tweet import Tweet
from tests.unit.tiny_bundle import PAIR_MANIFEST, PAIR_WEIGHTS, manifest_json, write_bundle, write_pair_bundle

IDS = {word: number for number, word in enumerate(PAIR_WEIGHTS)}


def ids_of(words: str) -> list[int]:
    return [IDS[word] for word in words.split()]


@pytest.fixture(scope="module")
def pairs(pair_bundle: Path) -> Classifier:
    return Classifier(load_bundle(pair_bundle))


@pytest.fixture(scope="module")
def shipped_pairs(shipped_model: Model) -> Tokenizer:
    """The shipped tokenizer in a bundle whose model reads an entity."""
    bundle = shipped_model.bundle
    inputs = {"inputs": {"entity": True}}
    manifest = Manifest.model_validate(bundle.manifest.model_dump(by_alias=True) | inputs)
    return Tokenizer(Bundle(bundle.path, manifest, bundle.model, bundle.tokenizer))


def test_an_entity_is_the_second_segment(pair_model: Model) -> None:
    tokens = pair_model.tokenizer.encode("lovely train", "Acme")
    assert tokens.ids == ids_of("[CLS] lovely train [SEP] Acme [SEP]")
    assert (tokens.truncated, tokens.has_entity) == (False, True)


def test_without_an_entity_there_is_one_segment(pair_model: Model) -> None:
    tokens = pair_model.tokenizer.encode("lovely train")
    assert (tokens.ids, tokens.has_entity) == (ids_of("[CLS] lovely train [SEP]"), False)


def test_a_bundle_without_entities_ignores_them(tiny_model: Model) -> None:
    tokenizer = tiny_model.tokenizer
    assert tokenizer.encode("lovely", "train") == tokenizer.encode("lovely")
    assert tokenizer.encode_all(["lovely"], ["train"]) == tokenizer.encode_all(["lovely"])
    assert not tokenizer.reads("train")


@pytest.mark.parametrize("entity", ["", " ", "@", "# @", "\u0001"])
def test_an_entity_without_a_name_is_none(pair_model: Model, entity: str) -> None:
    assert pair_model.tokenizer.encode("lovely", entity) == pair_model.tokenizer.encode("lovely")
    assert not pair_model.tokenizer.reads(entity)


@pytest.mark.parametrize("entity", ["@Acme", "#Acme", " Acme\n", "A\u0001cme"])
def test_an_entitys_name_is_cleaned(pair_model: Model, entity: str) -> None:
    assert pair_model.tokenizer.encode("lovely", entity) == pair_model.tokenizer.encode("lovely", "Acme")


def test_a_long_entity_is_cut_to_16_tokens(pair_model: Model) -> None:
    ids = pair_model.tokenizer.encode("lovely", "Acme " * 2000).ids
    assert ids == ids_of("[CLS] lovely [SEP]" + " Acme" * 16 + " [SEP]")


def test_a_long_text_is_cut_so_that_the_pair_fits(pair_model: Model) -> None:
    tokens = pair_model.tokenizer.encode("nice " * 30, "Acme train")
    assert tokens.ids == ids_of("[CLS]" + " nice" * 19 + " [SEP] Acme train [SEP]")
    assert len(tokens.ids) == pair_model.bundle.manifest.max_tokens
    assert tokens.truncated


@pytest.mark.parametrize("words", [20, 21, 22, 23])
def test_a_text_is_truncated_from_the_length_at_which_the_pair_does_not_fit(pair_model: Model, words: int) -> None:
    tokens = pair_model.tokenizer.encode("nice " * words, "Acme")
    assert (tokens.truncated, len(tokens.ids)) == (words > 20, 24)


@given(st.text().map(placeholders), st.text(max_size=300))
def test_a_pair_is_encoded_as_the_tokenizers_own_template_does(
    shipped_pairs: Tokenizer, text: str, entity: str
) -> None:
    pair = HuggingFaceTokenizer.from_file(str(SHIPPED_BUNDLE / TOKENIZER_FILE))
    pair.encode_special_tokens = True
    name = pair.encode(entity_name(entity), add_special_tokens=False)
    name.truncate(MOST_ENTITY_TOKENS)
    shown = pair.encode(text, add_special_tokens=False)
    shown.truncate(max(1, 80 - 3 - len(name.ids)) if name.ids else 78)
    expected = pair.post_process(shown, name if name.ids else None)
    tokens = shipped_pairs.encode(text, entity)
    assert tokens.ids == expected.ids
    assert token_types([tokens.ids], len(tokens.ids))[0].tolist() == expected.type_ids


@given(st.lists(st.tuples(st.text().map(placeholders), st.none() | st.text(max_size=40)), max_size=8))
def test_many_pairs_are_encoded_as_each_one_alone(
    shipped_pairs: Tokenizer, pairs: list[tuple[str, str | None]]
) -> None:
    texts, entities = [text for text, _ in pairs], [entity for _, entity in pairs]
    assert shipped_pairs.encode_all(texts, entities) == [shipped_pairs.encode(*pair) for pair in pairs]


def test_types_are_0_for_the_tweet_and_padding_and_1_for_the_entity() -> None:
    batch = [ids_of("[CLS] nice [SEP] Acme [SEP]"), ids_of("[CLS] nice [SEP]"), ids_of("[CLS] [SEP] train [SEP]")]
    assert token_types(batch, 6).tolist() == [[0, 0, 0, 1, 1, 0], [0, 0, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0]]


def test_inputs_are_bound_by_name(pairs: Classifier) -> None:
    batch = [ids_of("[CLS] nice [SEP] Acme [SEP]"), ids_of("[CLS] nice [SEP] Globex [SEP]")]
    assert pairs.logits(batch).tolist() == [[0, 1, 11], [9, 1, 2]]


def test_a_batch_may_mix_tweets_with_and_without_an_entity(pairs: Classifier) -> None:
    batch = [ids_of(row) for row in ("[CLS] sad [SEP]", "[CLS] sad [SEP] Acme [SEP]", "[CLS] Acme train sad [SEP]")]
    assert pairs.logits(batch) == pytest.approx(np.concatenate([pairs.logits([row]) for row in batch]))


def test_a_label_says_whether_the_model_has_read_the_entity(pair_model: Model, tiny_model: Model) -> None:
    row = np.array([0.25, 0.25, 0.5], dtype=np.float32)
    tweet = Tweet("7", "lovely", entity="Acme")
    assert pair_model.label(tweet, row).as_json()["entity_used"] is True
    assert tiny_model.label(tweet, row).as_json()["entity_used"] is False
    assert pair_model.label(Tweet("7", "lovely", entity="@"), row).as_json()["entity_used"] is False
    assert "entity_used" not in pair_model.label(Tweet("7", "lovely"), row).as_json()


def test_bulk_classification_reads_entities(pair_model: Model) -> None:
    entities = ["Acme", "Globex", None]
    lines = [orjson.dumps({"id": 1, "text": "train", "entity": entity}) for entity in entities]
    labels = [label for label in label_lines(pair_model, lines, LimitSettings()) if isinstance(label, Label)]
    assert [(label.polarity, label.tweet.entity) for label in labels] == [
        ("positive", "Acme"),
        ("negative", "Globex"),
        ("neutral", None),
    ]


def test_macs_are_counted_of_a_model_with_two_inputs(pair_bundle: Path) -> None:
    assert count_macs(pair_bundle / MODEL_FILE, [4, 8]) == {4: 0, 8: 0}


def test_a_manifest_without_inputs_has_no_entity() -> None:
    assert not Manifest.model_validate(manifest_json()).inputs.entity


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"inputs": {"entity": "perhaps"}}, "inputs.entity"),
        ({"inputs": {"entities": True}}, "inputs.entities"),
        ({"inputs": []}, "inputs"),
        ({"max_tokens": 19, "length_buckets": [19]}, "max_tokens must be at least 20 where inputs.entity is true"),
    ],
)
def test_a_manifest_with_wrong_inputs_is_refused(tmp_path: Path, changes: dict[str, object], expected: str) -> None:
    with pytest.raises(BundleError, match=expected):
        load_bundle(write_pair_bundle(tmp_path, changes))


def test_a_model_without_the_inputs_of_the_manifest_is_refused(tmp_path: Path) -> None:
    bundle = load_bundle(write_pair_bundle(tmp_path / "other", input_names=("token_ids", "types")))
    with pytest.raises(BundleError, match="it has token_ids, types where 'token_ids' and 'token_types' should be"):
        Classifier(bundle)
    single = load_bundle(
        write_bundle(tmp_path / "single", {"inputs": {"entity": True}, "max_tokens": 24, "length_buckets": [24]})
    )
    with pytest.raises(BundleError, match="it has input_ids where 'token_ids' and 'token_types' should be"):
        Classifier(single)


def test_a_pair_model_in_a_bundle_without_entities_is_refused(tmp_path: Path) -> None:
    bundle = load_bundle(write_pair_bundle(tmp_path, {"inputs": {"entity": False}}))
    with pytest.raises(BundleError, match="it has token_ids, token_types where only 'input_ids' should be"):
        Classifier(bundle)


@pytest.mark.parametrize("interpreters", [1, 2])
def test_a_model_that_fails_at_the_second_segment_is_refused_before_it_serves(
    tmp_path: Path, interpreters: int
) -> None:
    folder = write_pair_bundle(tmp_path, types=1)
    with pytest.raises(BundleError, match=f"{folder / MODEL_FILE} cannot be used: an inference with"):
        load_model(ModelSettings(path=folder, interpreters=interpreters))


def test_bulk_classification_gives_an_entity_to_tweets_without_one(pair_model: Model) -> None:
    lines = [orjson.dumps({"id": 1, "text": "train", "entity": entity}) for entity in ("Globex", None, "")]
    outcomes = label_lines(pair_model, lines, LimitSettings(), entity="Acme")
    labels = [outcome for outcome in outcomes if isinstance(outcome, Label)]
    assert [(label.polarity, label.tweet.entity) for label in labels] == [
        ("negative", "Globex"),
        ("positive", "Acme"),
        ("positive", "Acme"),
    ]


def test_an_experiment_reads_entities(pair_bundle: Path) -> None:
    planned = PlannedModel(name="pair", path=str(pair_bundle))
    subject = load_subject(planned, pair_bundle, threads=1)
    found = {entity: subject.infer(subject.tokens(Tweet("1", "train", entity))) for entity in ("Acme", "Globex", None)}
    assert {entity: inference.polarity for entity, inference in found.items()} == {
        "Acme": "positive",
        "Globex": "negative",
        None: "neutral",
    }
    assert found["Acme"].padded_tokens == 8
    assert found[None].padded_tokens == 4
    assert subject.macs([4, 8]) == {4: 0, 8: 0}


def test_the_parallelism_of_a_model_with_two_inputs_is_measured(
    pair_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})
    assert len(load_model(ModelSettings(path=pair_bundle)).classifiers) in {1, 2}


def test_the_name_of_a_special_token_in_a_text_or_an_entity_ends_no_segment(shipped_pairs: Tokenizer) -> None:
    ids = shipped_pairs.encode("a [SEP] b", "[SEP] Acme").ids
    separator = ids[-1]
    assert ids.count(separator) == 2
    first = ids.index(separator)
    assert token_types([ids], len(ids))[0].tolist() == [0] * (first + 1) + [1] * (len(ids) - first - 1)


def test_both_segments_are_tried_at_each_length(pair_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: set[tuple[int, int]] = set()
    logits = Classifier.logits

    def watched(self: Classifier, batch: Any) -> Any:
        length = max(map(len, batch))
        tried.update((length, int(kind)) for kind in token_types(batch[:1], length)[0][[0, -1]] if len(batch) == 1)
        return logits(self, batch)

    monkeypatch.setattr(Classifier, "logits", watched)
    load_model(ModelSettings(path=pair_bundle, interpreters=1))
    assert tried == {(length, kind) for length in PAIR_MANIFEST["length_buckets"] for kind in (0, 1)}
