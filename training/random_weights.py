"""A checkpoint of MobileBERT's published shape with random weights, for time, memory and size without its weights.

    python -m training.random_weights FOLDER

FOLDER then holds `checkpoint`, which `starling convert` and `kind = "tensorflow"` take, and `tweets.jsonl`: invented
texts with the checkpoint's own labels, for the comparison that `starling convert` makes. The labels of such a model
mean nothing, and reports show no scores of it.
"""

import json
import random
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer

from stream.model.bundle import SHIPPED_BUNDLE, TOKENIZER_FILE, Cleaning
from stream.tweets.polarity import POLARITIES
from training.about import ABOUT_FILE, About, write_about
from training.architectures import MobileBertConfig, weight_shapes
from training.checkpoint import CONFIG_FILE, WEIGHTS_FILE, Array, Checkpoint, load_checkpoint
from training.data.tweets import LabelledTweet
from training.length_batching import logits_by_length
from training.reference import Reference
from training.report.quantities import RANDOM_WEIGHTS

MOBILEBERT: dict[str, Any] = {
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
"""Configuration of google/mobilebert-uncased with three classes (Sun et al., 2020)."""
ABOUT = About(
    name="mobilebert-random",
    base=RANDOM_WEIGHTS,
    licence="Apache-2.0",
    max_tokens=128,
    cleaning=Cleaning(name="paper", version=1),
)
_WORDS = ("good", "bad", "rain", "sun", "train", "late", "again", "cake", "cat", "monday", "coffee", "never", "queue")
_TEXTS = 300


def random_checkpoint(folder: Path, config: dict[str, Any] | None = None) -> Checkpoint:
    """Write a checkpoint with random weights, scaled so that the states neither grow nor become equal over the layers.

    Args:
        folder: Folder of the checkpoint, which must not exist yet.
        config: Configuration of a MobileBERT; None: the published one.
    """
    folder.mkdir(parents=True)
    config = config or MOBILEBERT
    (folder / CONFIG_FILE).write_text(json.dumps(config))
    shutil.copy(SHIPPED_BUNDLE / TOKENIZER_FILE, folder / TOKENIZER_FILE)
    write_about(folder / ABOUT_FILE, ABOUT)
    weights = _weights(MobileBertConfig.model_validate(config))
    save_file(weights, folder / WEIGHTS_FILE, metadata={"format": "pt"})
    checkpoint = load_checkpoint(folder)
    # Without this shift it would give all texts the same label.
    weights["classifier.bias"] = -_logits(checkpoint, _texts()).mean(axis=0)
    save_file(weights, folder / WEIGHTS_FILE, metadata={"format": "pt"})
    return load_checkpoint(folder)


def labelled_by(checkpoint: Checkpoint) -> list[LabelledTweet]:
    """Return invented texts with the checkpoint's own labels, if their margin is clear."""
    texts = _texts()
    logits = _logits(checkpoint, texts)
    ordered = np.sort(logits, axis=1)
    clear = np.flatnonzero(ordered[:, -1] - ordered[:, -2] > np.median(ordered[:, -1] - ordered[:, -2]))
    return [LabelledTweet(str(row), POLARITIES[int(logits[row].argmax())], texts[row]) for row in clear]


def _weights(config: MobileBertConfig) -> dict[str, Array]:
    generator = np.random.default_rng(7)
    weights = {}
    for name, shape in weight_shapes(config).items():
        if name.endswith("LayerNorm.weight"):
            scale = 0.83 if "output.bottleneck" in name else 0.7
            weights[name] = np.full(shape, scale, np.float32)
        elif name.endswith("bias"):
            weights[name] = np.zeros(shape, np.float32)
        else:
            gain = 2 if "intermediate" in name else 1  # a rectifier halves what comes after it
            deviation = 1.0 if "word_embeddings" in name else np.sqrt(gain / shape[-1])
            weights[name] = generator.normal(0, deviation, shape).astype(np.float32)
    return weights


def _texts() -> list[str]:
    chooser = random.Random(11)  # noqa: S311  (no secret)
    return [" ".join(chooser.choices(_WORDS, k=chooser.randint(3, 25))) for _ in range(_TEXTS)]


def _logits(checkpoint: Checkpoint, texts: list[str]) -> Array:
    tokenizer = Tokenizer.from_file(str(checkpoint.tokenizer_path))
    token_ids = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
    return logits_by_length(Reference(checkpoint).logits, token_ids)


def main(folder: Path) -> None:
    """Write the checkpoint and its texts."""
    tweets = labelled_by(random_checkpoint(folder / "checkpoint"))
    lines = [json.dumps({"id": tweet.id, "text": tweet.text, "polarity": tweet.polarity}) for tweet in tweets]
    (folder / "tweets.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
