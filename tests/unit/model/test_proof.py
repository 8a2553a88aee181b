"""Bundles whose files have the right hashes, but which cannot serve."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer as HuggingFaceTokenizer
from tokenizers.models import WordLevel
from tokenizers.processors import TemplateProcessing

from stream.errors import BundleError
from stream.model.bundle import MODEL_FILE, TOKENIZER_FILE
from stream.model.classifier import Classifier
from stream.model.loading import Model, load_model
from stream.settings import ModelSettings
from tests.unit.tiny_bundle import LENGTH_BUCKETS, MAX_TOKENS, WEIGHTS, tiny_tokenizer, write_bundle, write_manifest


def message_of(folder: Path, **settings: Any) -> str:
    with pytest.raises(BundleError) as caught:
        load_model(ModelSettings(path=folder, **settings))
    message = str(caught.value)
    assert "\n" not in message
    return message


def with_tokenizer(folder: Path, tokenizer: HuggingFaceTokenizer) -> Path:
    write_bundle(folder)
    tokenizer.save(str(folder / TOKENIZER_FILE))
    write_manifest(folder)
    return folder


@pytest.mark.parametrize("interpreters", [1, 2])
def test_a_tokenizer_with_more_ids_than_the_model_has_rows_is_refused(tmp_path: Path, interpreters: int) -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.add_tokens(["dreadful"])
    message = message_of(with_tokenizer(tmp_path, tokenizer), interpreters=interpreters)
    assert message.startswith(
        f"{tmp_path / MODEL_FILE} cannot be used: an inference with {len(WEIGHTS)}, the largest id"
    )


def test_an_id_that_no_tensor_holds_is_refused(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path)
    tokenizer = json.loads(tiny_tokenizer().to_str())
    tokenizer["model"]["vocab"]["lovely"] = 2**32 - 1
    (folder / TOKENIZER_FILE).write_text(json.dumps(tokenizer), encoding="utf-8")
    write_manifest(folder)
    assert f"{2**32 - 1}, the largest id" in message_of(folder, interpreters=1)


def test_a_special_token_beyond_the_vocabulary_is_refused(tmp_path: Path) -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A", special_tokens=[("[CLS]", 999)])
    assert "with 999, the largest id" in message_of(with_tokenizer(tmp_path, tokenizer), interpreters=1)


def test_a_tokenizer_that_makes_more_tokens_than_the_model_reads_is_refused(tmp_path: Path) -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single=" ".join(["[CLS]"] * (MAX_TOKENS + 1)) + " $A", special_tokens=[("[CLS]", 2)]
    )
    message = message_of(with_tokenizer(tmp_path, tokenizer), interpreters=1)
    assert message.startswith(f"{tmp_path / TOKENIZER_FILE} makes ")
    assert message.endswith(f"and max_tokens is {MAX_TOKENS}")


def test_a_tokenizer_that_fails_at_unknown_words_is_refused(tmp_path: Path) -> None:
    tokenizer = HuggingFaceTokenizer(WordLevel({"a": 0}, unk_token="[MISSING]"))  # noqa: S106  (no password)
    message = message_of(with_tokenizer(tmp_path, tokenizer), interpreters=1)
    assert message.startswith(f"{tmp_path / TOKENIZER_FILE} cannot tokenise a text: ")


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_a_model_whose_logits_are_not_finite_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: float
) -> None:
    monkeypatch.setitem(WEIGHTS, "lovely", (0, 0, number))  # the largest id
    write_bundle(tmp_path)
    assert "does not give a finite number for each label" in message_of(tmp_path, interpreters=1)


@pytest.mark.parametrize("settings", [{"interpreters": 1}, {}], ids=["given", "measured"])
def test_a_model_that_fails_at_one_length_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    write_bundle(tmp_path)
    logits = Classifier.logits

    def failing(self: Classifier, batch: Any) -> Any:
        if max(map(len, batch)) == LENGTH_BUCKETS[1]:
            raise RuntimeError("Invalid begin.\nNode number 12 (SLICE) failed to invoke.")
        return logits(self, batch)

    monkeypatch.setattr(Classifier, "logits", failing)
    message = message_of(tmp_path, **settings)
    assert "an inference with 8 tokens fails (Invalid begin. Node number 12 (SLICE) failed to invoke.)" in message


def test_an_inference_that_fails_while_the_parallelism_is_measured_is_a_bundle_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bundle(tmp_path)

    def failing(*_: Any) -> Any:
        raise RuntimeError("gather index out of bounds\nNode number 0 (GATHER) failed to invoke.")

    monkeypatch.setattr(Classifier, "logits", failing)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})
    assert message_of(tmp_path).startswith(f"{tmp_path / MODEL_FILE} cannot be used: gather index out of bounds Node")


@pytest.mark.parametrize("interpreters", [1, 2, 5])
def test_every_length_and_two_tweets_at_once_are_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interpreters: int
) -> None:
    tried: list[tuple[int, int, int]] = []
    logits = Classifier.logits

    def watched(self: Classifier, batch: Any) -> Any:
        tried.append((len(batch), self.bucket(max(map(len, batch))), max(map(max, filter(None, batch)), default=0)))
        return logits(self, batch)

    monkeypatch.setattr(Classifier, "logits", watched)
    load_model(ModelSettings(path=write_bundle(tmp_path), interpreters=interpreters))
    assert {(bucket, largest) for rows, bucket, largest in tried if rows == 1} == {
        (bucket, len(WEIGHTS) - 1) for bucket in LENGTH_BUCKETS
    }
    assert {rows for rows, _, _ in tried} == {1, 2}
    assert tried[-1] == (1, MAX_TOKENS, len(WEIGHTS) - 1)


def test_the_shipped_models_pass(shipped_model: Model) -> None:
    assert shipped_model.bundle.manifest.name
    assert load_model(ModelSettings(path=Path("fast"), interpreters=1)).bundle.manifest.name


def test_a_loaded_model_answers_as_before_whatever_happens_to_its_files(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path)
    model = load_model(ModelSettings(path=folder, interpreters=1))
    ids = model.tokenizer.encode("lovely train").ids
    before = model.classifiers[0].probabilities([ids]).tolist()
    for name in (MODEL_FILE, TOKENIZER_FILE):
        (folder / name).write_bytes(b"\0" * 100)
        (folder / name).write_bytes(b"")
    assert model.classifiers[0].probabilities([ids]).tolist() == before
    assert model.tokenizer.encode("lovely train").ids == ids
