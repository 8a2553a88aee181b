from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.schema_py_generated import TensorType
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream.errors import BundleError
from stream.model.bundle import MODEL_FILE, load_bundle
from stream.model.classifier import Classifier
from stream.model.loading import Model
from tests.unit.tiny_bundle import WEIGHTS, write_bundle, write_manifest

IDS = {word: number for number, word in enumerate(WEIGHTS)}
TEXTS = [
    "love it",
    "what a wonderful morning, thank you all so much",
    "worst service ever, never again",
    "the train to town leaves at nine from platform four",
    "meh",
    "i hate mondays but this coffee is really something else, best cup in weeks, and the cake was not bad either",
]
TOLERANCE = 1e-5
"""Tolerance of probabilities. Each row is quantised separately; on x86-64, rows were equal to the last bit."""


def ids_of(text: str) -> list[int]:
    return [IDS["[CLS]"], *(IDS[word] for word in text.split()), IDS["[SEP]"]]


@pytest.fixture(scope="module")
def tiny(tiny_bundle: Path) -> Classifier:
    return Classifier(load_bundle(tiny_bundle))


@pytest.fixture(scope="module")
def shipped(shipped_model: Model) -> Classifier:
    classifier = shipped_model.classifiers[0]
    assert isinstance(classifier, Classifier)
    return classifier


@pytest.fixture(scope="module")
def shipped_ids(shipped_model: Model) -> list[list[int]]:
    return [tokens.ids for tokens in shipped_model.tokenizer.encode_all(TEXTS)]


def test_logits_are_the_models_own(tiny: Classifier) -> None:
    assert tiny.logits([ids_of("lovely train"), ids_of("awful street")]).tolist() == [[0, 1.5, 3], [3, 1.25, 0]]


def test_probabilities_are_the_softmax_of_the_logits(tiny: Classifier) -> None:
    exponentials = np.exp([0, 1.5, 3])
    assert tiny.probabilities([ids_of("lovely train")])[0] == pytest.approx(exponentials / exponentials.sum())


def test_a_temperature_divides_the_logits(tmp_path: Path) -> None:
    cooled = Classifier(load_bundle(write_bundle(tmp_path, {"temperature": 2.0})))
    exponentials = np.exp(np.array([0, 1.5, 3]) / 2)
    assert cooled.probabilities([ids_of("lovely train")])[0] == pytest.approx(exponentials / exponentials.sum())


def test_logits_whose_exponential_overflows_give_probabilities(tmp_path: Path) -> None:
    sharp = Classifier(load_bundle(write_bundle(tmp_path, {"temperature": 0.05})))
    assert sharp.probabilities([ids_of("lovely lovely lovely train")])[0].tolist() == [0, 0, 1]


@given(st.lists(st.lists(st.integers(0, len(WEIGHTS) - 1), min_size=1, max_size=12), min_size=1, max_size=6))
def test_probabilities_are_from_0_to_1_and_sum_to_1(tiny: Classifier, batch: list[list[int]]) -> None:
    probabilities = tiny.probabilities(batch)
    assert probabilities.shape == (len(batch), 3)
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=1e-6)


def test_the_shipped_models_probabilities_sum_to_1(shipped: Classifier, shipped_ids: list[list[int]]) -> None:
    assert shipped.probabilities(shipped_ids).sum(axis=1) == pytest.approx(1, abs=1e-6)


def test_a_batch_gives_the_same_results_as_single_tweets(shipped: Classifier, shipped_ids: list[list[int]]) -> None:
    alone = np.concatenate([shipped.probabilities([ids]) for ids in shipped_ids])
    assert shipped.probabilities(shipped_ids) == pytest.approx(alone, abs=TOLERANCE)


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(numbers=st.lists(st.integers(0, len(TEXTS) - 1), min_size=1, max_size=5))
def test_other_tweets_in_a_batch_do_not_change_a_label(
    shipped: Classifier, shipped_ids: list[list[int]], numbers: list[int]
) -> None:
    batch = shipped.probabilities([shipped_ids[number] for number in numbers])
    alone = [shipped.probabilities([shipped_ids[number]])[0].argmax() for number in numbers]
    assert batch.argmax(axis=1).tolist() == alone


def test_padding_to_a_longer_bucket_changes_nothing(shipped_model: Model, shipped_ids: list[list[int]]) -> None:
    longest = shipped_model.bundle.manifest.length_buckets[-1]
    classifier = shipped_model.classifiers[0]
    for ids in shipped_ids:
        padded = ids + [0] * (longest - len(ids))
        assert classifier.probabilities([padded])[0] == pytest.approx(classifier.probabilities([ids])[0], abs=TOLERANCE)


@pytest.mark.parametrize(
    ("number", "polarity"), [(0, "positive"), (2, "negative"), (3, "neutral")], ids=["love", "worst", "train"]
)
def test_the_shipped_model_knows_an_obvious_tweets_polarity(
    shipped_model: Model, shipped_ids: list[list[int]], number: int, polarity: str
) -> None:
    row = shipped_model.classifiers[0].probabilities([shipped_ids[number]])[0]
    assert shipped_model.bundle.manifest.labels[int(row.argmax())] == polarity


@pytest.mark.parametrize(("length", "bucket"), [(1, 4), (4, 4), (5, 8), (8, 8), (9, 12), (12, 12)])
def test_a_length_goes_into_the_shortest_bucket_that_holds_it(tiny: Classifier, length: int, bucket: int) -> None:
    assert tiny.bucket(length) == bucket


WRONG_MODELS: dict[str, tuple[dict[str, Any], str]] = {
    "other signature": ({"signature": "serving_default"}, "classify"),
    "other input": ({"input_name": "ids"}, "it has ids where only 'input_ids' should be"),
    "other output": ({"output_name": "scores"}, "it has scores where only 'logits' should be"),
    "input of 64 bits": ({"input_type": TensorType.INT64}, "'input_ids' is int64, not int32"),
    "two labels": ({"columns": 2}, r"'logits' has the shape \[1, 2\], not a column for each of 3 labels"),
}


@pytest.mark.parametrize(("model", "expected"), WRONG_MODELS.values(), ids=WRONG_MODELS)
def test_a_model_of_another_shape_is_a_bundle_error_that_says_which(
    tmp_path: Path, model: dict[str, Any], expected: str
) -> None:
    bundle = load_bundle(write_bundle(tmp_path, **model))
    with pytest.raises(BundleError, match=f"{bundle.path / MODEL_FILE} cannot be used.*{expected}"):
        Classifier(bundle)


@pytest.mark.parametrize("content", [b"", b"no model at all", b"\0" * 1000], ids=["empty", "text", "zeros"])
def test_a_file_that_is_no_model_is_a_bundle_error_that_names_it(tmp_path: Path, content: bytes) -> None:
    folder = write_bundle(tmp_path)
    (folder / MODEL_FILE).write_bytes(content)
    write_manifest(folder)
    with pytest.raises(BundleError, match=f"{folder / MODEL_FILE} cannot be used"):
        Classifier(load_bundle(folder))


def test_half_a_model_is_a_bundle_error(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path)
    content = (folder / MODEL_FILE).read_bytes()
    (folder / MODEL_FILE).write_bytes(content[: len(content) // 2])
    write_manifest(folder)
    with pytest.raises(BundleError, match="cannot be used"):
        Classifier(load_bundle(folder))
