"""Tiny checkpoint with random weights, and tweets that it labels with a clear margin."""

import json
import random
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

if find_spec("tensorflow") is None:
    collect_ignore_glob = ["test_*.py"]  # run with the training extra: make test-training

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
WORDS = ("good", "bad", "rain", "sun", "train", "late", "again", "cake", "cat", "monday", "@", "user", "http", "!", "?")
CONFIG = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "vocab_size": len(SPECIAL_TOKENS) + len(WORDS),
    "type_vocab_size": 2,
    "max_position_embeddings": 40,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "layer_norm_eps": 1e-12,
    "pad_token_id": 0,
    "id2label": {"0": "negative", "1": "neutral", "2": "positive"},
    "label2id": {"negative": 0, "neutral": 1, "positive": 2},
}
ABOUT = """
name = "tiny"
base = "none"
licence = "Apache-2.0"
max_tokens = 24
cleaning = { name = "placeholders", version = 1 }
[source]
package = "made up"
[training]
epochs = 0
"""


@pytest.fixture(scope="session")
def checkpoint_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkpoint as saved by transformers in float16, with an `about.toml`."""
    folder = tmp_path_factory.mktemp("tiny-bert")
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "about.toml").write_text(ABOUT)
    _write_weights(folder)
    _write_tokenizer(folder)
    return folder


@pytest.fixture(scope="session")
def checkpoint(checkpoint_folder: Path) -> Any:
    from training.checkpoint import load_checkpoint  # noqa: PLC0415

    return load_checkpoint(checkpoint_folder)


@pytest.fixture(scope="session")
def tweets_file(checkpoint: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return tweets with a clear margin, so that rounding does not change labels; one gold label in five is wrong."""
    texts = _texts(600)
    logits = _reference_logits(checkpoint, texts)
    margins = np.diff(np.sort(logits, axis=1), axis=1)[:, -1]
    clear = np.flatnonzero(margins > np.quantile(margins, 0.5))
    shift = np.where(np.arange(len(texts)) % 5 == 0, 1, 0)
    polarities = [("negative", "neutral", "positive")[column] for column in (logits.argmax(axis=1) + shift) % 3]
    file = tmp_path_factory.mktemp("data") / "tweets.tsv"
    file.write_text("".join(f"{index}\t{polarities[index]}\t{texts[index]}\n" for index in clear))
    return file


def _write_weights(folder: Path) -> None:
    from safetensors.numpy import save_file  # noqa: PLC0415

    from training.architectures import BertConfig, weight_shapes  # noqa: PLC0415

    generator = np.random.default_rng(7)
    weights = {}
    for name, shape in weight_shapes(BertConfig.model_validate(CONFIG)).items():
        middle = 1.0 if name.endswith("LayerNorm.weight") else 0.0
        weights[name] = generator.normal(middle, 0.2, shape).astype(np.float16)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def _write_tokenizer(folder: Path) -> None:
    """Write a tokeniser with truncation and padding, like those of sentence encoders."""
    from tokenizers import BertWordPieceTokenizer  # noqa: PLC0415

    vocabulary = {token: number for number, token in enumerate((*SPECIAL_TOKENS, *WORDS))}
    tokenizer = BertWordPieceTokenizer(vocabulary)
    tokenizer.enable_truncation(12)
    tokenizer.enable_padding(length=12)
    tokenizer.save(str(folder / "tokenizer.json"))


def _texts(count: int) -> list[str]:
    chooser = random.Random(11)
    return [" ".join(chooser.choices(WORDS, k=chooser.randint(1, 20))) for _ in range(count)]


def _reference_logits(checkpoint: Any, texts: Sequence[str]) -> Any:
    from tokenizers import Tokenizer  # noqa: PLC0415

    from training.length_batching import logits_by_length  # noqa: PLC0415
    from training.reference import Reference  # noqa: PLC0415

    tokenizer = Tokenizer.from_file(str(checkpoint.tokenizer_path))
    tokenizer.no_padding()
    tokenizer.enable_truncation(24)
    token_ids = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
    return logits_by_length(Reference(checkpoint).logits, token_ids)
