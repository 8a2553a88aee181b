"""Conversion of a MobileBERT of the published size with random weights at each precision; prints the differences.

Run it as `python -m tests.training.mobilebert_at_full_size`; it takes minutes, so it is not part of the test suite.
"""

import json
import random
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer

from stream.model.bundle import MODEL_FILE, SHIPPED_BUNDLE, TOKENIZER_FILE, Cleaning, Precision
from stream.tweets.polarity import POLARITIES
from training.about import About
from training.architectures import MobileBertConfig, weight_shapes
from training.bundling import Conversion, make_bundle
from training.checkpoint import WEIGHTS_FILE, Array, Checkpoint, load_checkpoint
from training.data.tweets import LabelledTweet
from training.length_batching import logits_by_length
from training.reference import Reference

CONFIG: dict[str, Any] = {
    "model_type": "mobilebert",
    "vocab_size": 30522,
    "type_vocab_size": 2,
    "max_position_embeddings": 512,
    "hidden_size": 512,
    "intermediate_size": 512,
    "num_hidden_layers": 24,
    "num_attention_heads": 4,
    "hidden_act": "relu",
    "normalization_type": "no_norm",
    "trigram_input": True,
    "use_bottleneck": True,
    "use_bottleneck_attention": False,
    "key_query_shared_bottleneck": True,
    "classifier_activation": False,
    "num_feedforward_networks": 4,
    "embedding_size": 128,
    "intra_bottleneck_size": 128,
    "pad_token_id": 0,
    "id2label": dict(enumerate(POLARITIES)),
    "label2id": {polarity: column for column, polarity in enumerate(POLARITIES)},
}
ABOUT = About(
    name="mobilebert-random",
    base="none",
    licence="Apache-2.0",
    max_tokens=128,
    cleaning=Cleaning(name="paper", version=1),
)
PRECISIONS: tuple[Precision, ...] = ("float32", "float16", "int8")
WORDS = ("good", "bad", "rain", "sun", "train", "late", "again", "cake", "cat", "monday", "coffee", "never", "queue")


def main() -> None:
    """Print a line for each precision."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        checkpoint = random_checkpoint(folder / "checkpoint")
        tweets = labelled_by(checkpoint)
        for precision in PRECISIONS:
            out = folder / precision
            agreement = make_bundle(Conversion(checkpoint, ABOUT, precision), tweets, "random", out, lambda _: None)
            megabytes = (out / MODEL_FILE).stat().st_size / 1e6
            print(f"{precision}: {megabytes:.1f} MB, {agreement.as_json()}", flush=True)  # noqa: T201


def random_checkpoint(folder: Path) -> Checkpoint:
    """Return random weights scaled so that the states neither grow nor become equal over 24 layers."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(CONFIG))
    shutil.copy(SHIPPED_BUNDLE / TOKENIZER_FILE, folder / TOKENIZER_FILE)
    generator = np.random.default_rng(7)
    weights = {}
    for name, shape in weight_shapes(MobileBertConfig.model_validate(CONFIG)).items():
        if name.endswith("LayerNorm.weight"):
            scale = 0.83 if "output.bottleneck" in name else 0.7
            weights[name] = np.full(shape, scale, np.float32)
        elif name.endswith("bias"):
            weights[name] = np.zeros(shape, np.float32)
        else:
            gain = 2 if "intermediate" in name else 1  # a rectifier halves what comes after it
            spread = 1.0 if "word_embeddings" in name else np.sqrt(gain / shape[-1])
            weights[name] = generator.normal(0, spread, shape).astype(np.float32)
    save_file(weights, folder / WEIGHTS_FILE, metadata={"format": "pt"})
    checkpoint = load_checkpoint(folder)
    # So that it does not give all texts the same label.
    weights["classifier.bias"] = -_logits(checkpoint, _texts()).mean(axis=0)
    save_file(weights, folder / WEIGHTS_FILE, metadata={"format": "pt"})
    return load_checkpoint(folder)


def labelled_by(checkpoint: Checkpoint) -> list[LabelledTweet]:
    """Return texts with the checkpoint's own labels, if their margin is clear."""
    texts = _texts()
    logits = _logits(checkpoint, texts)
    ordered = np.sort(logits, axis=1)
    clear = np.flatnonzero(ordered[:, -1] - ordered[:, -2] > np.median(ordered[:, -1] - ordered[:, -2]))
    return [LabelledTweet(str(row), POLARITIES[int(logits[row].argmax())], texts[row]) for row in clear]


def _texts() -> list[str]:
    chooser = random.Random(11)
    return [" ".join(chooser.choices(WORDS, k=chooser.randint(3, 25))) for _ in range(300)]


def _logits(checkpoint: Checkpoint, texts: list[str]) -> Array:
    tokenizer = Tokenizer.from_file(str(checkpoint.tokenizer_path))
    token_ids = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
    return logits_by_length(Reference(checkpoint).logits, token_ids)


if __name__ == "__main__":
    main()
