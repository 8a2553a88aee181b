"""Tiny MobileBERT: training, conversion at each precision, comparison and classification."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stream.model.bundle import Precision, load_bundle
from stream.model.classifier import Classifier
from stream.model.tokenizer import Tokenizer
from stream.tweets.cleaning import words
from tests.training.conftest import CONFIG
from tests.training.toy import FINETUNE, toy_run, train, write_network
from training.about import read_about
from training.bundling import Conversion, make_bundle
from training.checkpoint import Array, Checkpoint, load_checkpoint
from training.datasets import read_dataset
from training.encoder import encoder
from training.errors import CheckpointError
from training.learning.batches import padded
from training.length_batching import logits_by_length
from training.reference import Reference

pytestmark = pytest.mark.training

MOBILE: dict[str, Any] = {
    **{key: value for key, value in CONFIG.items() if key != "layer_norm_eps"},
    "model_type": "mobilebert",
    "hidden_act": "relu",
    "normalization_type": "no_norm",
    "trigram_input": True,
    "use_bottleneck": True,
    "use_bottleneck_attention": False,
    "key_query_shared_bottleneck": True,
    "classifier_activation": False,
    "num_feedforward_networks": 2,
    "embedding_size": 16,
    "hidden_size": 32,
    "intra_bottleneck_size": 16,
    "intermediate_size": 32,
}


@pytest.fixture(scope="module")
def folder(checkpoint_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the checkpoint of a finished run."""
    folder = tmp_path_factory.mktemp("mobilebert")
    base = write_network(folder / "base", MOBILE, checkpoint_folder / "tokenizer.json")
    train(toy_run(folder, str(base), FINETUNE.replace("epochs = 5", "epochs = 8")))
    return folder


@pytest.fixture(scope="module")
def checkpoint(folder: Path) -> Checkpoint:
    return load_checkpoint(folder / "run/seed-0/checkpoint")


def batch(*lengths: int) -> list[list[int]]:
    generator = np.random.default_rng(3)
    return [[2, *generator.integers(5, 20, length - 2).tolist(), 3] for length in lengths]


def logits(checkpoint: Checkpoint, token_ids: Sequence[Sequence[int]], length: int) -> Array:
    rows = padded([*token_ids, [2] * length], 0)[:-1]
    return np.asarray(encoder(checkpoint, 24).logits(rows))


@pytest.mark.parametrize("lengths", [(2,), (24,), (2, 24, 7, 15)])
def test_logits_equal_those_of_transformers(checkpoint: Checkpoint, lengths: tuple[int, ...]) -> None:
    token_ids = batch(*lengths)
    ours = logits(checkpoint, token_ids, max(lengths))
    np.testing.assert_allclose(ours, Reference(checkpoint).logits(token_ids), rtol=0, atol=1e-4)


def test_padding_does_not_change_logits(checkpoint: Checkpoint) -> None:
    alone, beside = batch(9), batch(9)
    np.testing.assert_allclose(logits(checkpoint, alone, 9), logits(checkpoint, beside, 24), rtol=0, atol=1e-4)


@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
def test_trained_mobilebert_is_converted_to_a_usable_bundle(
    folder: Path, checkpoint: Checkpoint, tmp_path: Path, precision: Precision
) -> None:
    tweets = read_dataset([folder / "dev.tsv"]).tweets
    conversion = Conversion(checkpoint, read_about(checkpoint.path / "about.toml"), precision)
    make_bundle(conversion, tweets, "dev.tsv", tmp_path / "bundle", on_step=lambda _: None)
    bundle = load_bundle(tmp_path / "bundle")
    token_ids = [tokens.ids for tokens in Tokenizer(bundle).encode_all([words(tweet.text) for tweet in tweets])]
    columns = logits_by_length(Classifier(bundle).logits, token_ids).argmax(axis=1)
    right = [bundle.manifest.labels[column] == tweet.polarity for column, tweet in zip(columns, tweets, strict=True)]
    assert np.mean(right) > 0.9
    assert bundle.manifest.agreement["with"].startswith("TFMobileBertForSequenceClassification")


def test_unsupported_mobilebert_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(MOBILE | {"normalization_type": "layer_norm"}))
    with pytest.raises(CheckpointError, match=r"config\.json .*normalization_type: "):
        load_checkpoint(tmp_path)
