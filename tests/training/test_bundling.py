import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer as Pieces
from tokenizers import models

from stream.model.bundle import Precision, load_bundle
from stream.model.classifier import Classifier
from stream.model.tokenizer import Tokenizer
from training import bundling, convert
from training.about import read_about
from training.bundling import Conversion, length_buckets, make_bundle, write_tokenizer
from training.checkpoint import Checkpoint
from training.data.semeval import read_semeval
from training.data.tweets import LabelledTweet
from training.errors import CheckpointError, ConversionError, DisagreementError
from training.reference import Reference

pytestmark = pytest.mark.training

KINDS: list[tuple[Precision, str | None]] = [
    ("float32", None),
    ("float16", None),
    ("int8", "per channel"),
    ("int8", "per tensor"),
]


@pytest.fixture(scope="session")
def tweets(tweets_file: Path) -> list[LabelledTweet]:
    return read_semeval(tweets_file).tweets


@pytest.fixture(scope="session")
def conversion(checkpoint: Checkpoint) -> Conversion:
    return Conversion(checkpoint, read_about(checkpoint.path / "about.toml"), "int8")


def make(conversion: Conversion, tweets: list[LabelledTweet], out: Path) -> None:
    make_bundle(conversion, tweets, "tweets.tsv", out, on_step=lambda _: None)


@pytest.mark.parametrize(("precision", "scales"), KINDS)
def test_bundle_agrees_with_its_checkpoint_at_each_precision(
    conversion: Conversion, tweets: list[LabelledTweet], tmp_path: Path, precision: Precision, scales: str | None
) -> None:
    chosen = replace(conversion, precision=precision, per_tensor=scales == "per tensor")
    make(chosen, tweets, tmp_path / "bundle")
    bundle = load_bundle(tmp_path / "bundle")
    batch = [tokens.ids for tokens in Tokenizer(bundle).encode_all(["good cake !", "the train is late again", ""])]
    difference = Classifier(bundle).logits(batch) - Reference(conversion.checkpoint).logits(batch)
    assert np.abs(difference).max() < (0.3 if precision == "int8" else 0.01)
    assert (bundle.manifest.precision, bundle.manifest.source.get("scales")) == (precision, scales)


def test_manifest_has_origin_and_scores(conversion: Conversion, tweets: list[LabelledTweet], tmp_path: Path) -> None:
    make(conversion, tweets, tmp_path / "bundle")
    manifest = json.loads((tmp_path / "bundle" / "model.json").read_text())
    assert manifest["name"] == "tiny"
    assert manifest["source"]["package"] == "made up"
    assert manifest["training"] == {"epochs": 0}
    assert manifest["length_buckets"] == [4, 8, 12, 16, 20, 24]
    assert manifest["agreement"]["tweets"] == manifest["scores"]["tweets"] == len(tweets)
    assert manifest["agreement"]["equal_labels"] >= 0.97
    assert manifest["scores"]["accuracy"] == pytest.approx(0.8, abs=0.05)


def test_tokeniser_of_a_bundle_has_no_truncation_and_no_padding(
    conversion: Conversion, tweets: list[LabelledTweet], tmp_path: Path
) -> None:
    make(conversion, tweets, tmp_path / "bundle")
    written = json.loads((tmp_path / "bundle" / "tokenizer.json").read_text())
    assert written["truncation"] is None
    assert written["padding"] is None


def test_rejected_model_leaves_no_files(
    conversion: Conversion, tweets: list[LabelledTweet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(checkpoint: Checkpoint, *arguments: Any, **options: Any) -> bytes:
        mixed_up = {
            name: np.roll(checkpoint.weights[name], 1, axis=0) for name in ("classifier.weight", "classifier.bias")
        }
        return convert.tflite_model(replace(checkpoint, weights=checkpoint.weights | mixed_up), *arguments, **options)

    monkeypatch.setattr(bundling, "tflite_model", broken)
    with pytest.raises(DisagreementError, match="differs from its checkpoint"):
        make(conversion, tweets, tmp_path / "bundle")
    assert list(tmp_path.iterdir()) == []


def test_existing_bundle_is_not_overwritten(
    conversion: Conversion, tweets: list[LabelledTweet], tmp_path: Path
) -> None:
    (tmp_path / "bundle").mkdir()
    with pytest.raises(ConversionError, match=r"bundle exists already"):
        make(conversion, tweets, tmp_path / "bundle")


def test_per_tensor_is_rejected_without_int8(
    conversion: Conversion, tweets: list[LabelledTweet], tmp_path: Path
) -> None:
    with pytest.raises(ConversionError, match="applies to int8 only, not to float16"):
        make(replace(conversion, precision="float16", per_tensor=True), tweets, tmp_path / "bundle")


def test_unwritable_folder_is_an_error(conversion: Conversion, tweets: list[LabelledTweet], tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r"cannot write .*bundle: the folder .*nowhere does not exist"):
        make(conversion, tweets, tmp_path / "nowhere" / "bundle")


def test_more_tokens_than_positions_is_an_error(
    conversion: Conversion, tweets: list[LabelledTweet], tmp_path: Path
) -> None:
    longer = replace(conversion, about=conversion.about.model_copy(update={"max_tokens": 41}))
    with pytest.raises(ConversionError, match=r"max_tokens is 41, but .* supports at most 40"):
        make(longer, tweets, tmp_path / "bundle")


def test_tokeniser_of_another_model_is_rejected(
    conversion: Conversion, tweets: list[LabelledTweet], tmp_path: Path
) -> None:
    smaller = conversion.checkpoint.config.model_copy(update={"vocab_size": 10})
    stranger = replace(conversion, checkpoint=replace(conversion.checkpoint, config=smaller))
    with pytest.raises(CheckpointError, match="20 entries for 10 embeddings"):
        make(stranger, tweets, tmp_path / "bundle")


def test_last_length_bucket_is_the_longest_input() -> None:
    assert length_buckets(10) == [4, 8, 10]
    assert length_buckets(8) == [4, 8]
    assert length_buckets(3) == [3]


def test_special_pieces_of_a_unigram_tokeniser_do_not_occur_in_texts(checkpoint: Checkpoint, tmp_path: Path) -> None:
    vocabulary = [(name, 0.0) for name in ("[PAD]", "[UNK]", "[CLS]", "[SEP]")] + [(letter, -9.0) for letter in "[]SEP"]
    pieces = Pieces(models.Unigram(vocabulary, unk_id=1))
    pieces.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
    pieces.save(str(tmp_path / "tokenizer.json"))
    write_tokenizer(replace(checkpoint, path=tmp_path), tmp_path)
    written = Pieces.from_file(str(tmp_path / "tokenizer.json"))
    written.encode_special_tokens = True
    assert written.encode("[SEP]").tokens == ["[", "S", "E", "P", "]"]
