"""Creates the TensorFlow Lite models of the comparison in `.peers/`; needs the training extra.

minilm-per-tensor.tflite    `.peers/checkpoint` as tflite-runtime 2.14 can load it, up to 128 tokens
mobilebert-128.tflite       MobileBERT's shape with random weights, 1 x 128, as the paper converted it
mobilebert/                 the same weights as a bundle of ours
"""

import json
import shutil
from pathlib import Path
from typing import Any

import tensorflow as tf
from transformers import MobileBertConfig, TFMobileBertForSequenceClassification

from stream.model.bundle import INPUT, OUTPUT, PADDING_ID, SHIPPED_BUNDLE, SIGNATURE, file_sha256
from training.checkpoint import load_checkpoint
from training.convert import tflite_model

FOLDER = Path(".peers")
TOKENS = 128
MOBILEBERT = MobileBertConfig(  # google/mobilebert-uncased's config.json
    vocab_size=30_522,
    hidden_size=512,
    num_hidden_layers=24,
    num_attention_heads=4,
    intermediate_size=512,
    hidden_act="relu",
    max_position_embeddings=512,
    type_vocab_size=2,
    embedding_size=128,
    trigram_input=True,
    use_bottleneck=True,
    intra_bottleneck_size=128,
    use_bottleneck_attention=False,
    key_query_shared_bottleneck=True,
    num_feedforward_networks=4,
    normalization_type="no_norm",
    classifier_activation=True,
    num_labels=3,
)


def main() -> None:
    per_tensor = tflite_model(load_checkpoint(FOLDER / "checkpoint"), TOKENS, "int8", per_tensor=True)
    (FOLDER / "minilm-per-tensor.tflite").write_bytes(per_tensor)
    tf.random.set_seed(1)
    model = TFMobileBertForSequenceClassification(MOBILEBERT)
    model(tf.constant([[101, 102]]))  # creates its weights
    (FOLDER / "mobilebert-128.tflite").write_bytes(_padded(model))
    _write_bundle(FOLDER / "mobilebert", _dynamic(model))


def _padded(model: Any) -> bytes:
    """Convert with BERT's three inputs, one tweet of 128 tokens, one scale per matrix, for tflite-runtime 2.14."""
    names = ("input_ids", "attention_mask", "token_type_ids")
    specifications = [tf.TensorSpec([1, TOKENS], tf.int32, name=name) for name in names]

    def classify(input_ids: Any, attention_mask: Any, token_type_ids: Any) -> Any:
        inputs = {"input_ids": input_ids, "attention_mask": attention_mask, "token_type_ids": token_type_ids}
        return {OUTPUT: model(inputs).logits}

    return _converted(model, classify, specifications, per_tensor=True)


def _dynamic(model: Any) -> bytes:
    """Convert with one input of any length, as stream/model/bundle.py describes, and one scale per column."""

    def classify(input_ids: Any) -> Any:
        mask = tf.cast(tf.not_equal(input_ids, PADDING_ID), tf.int32)
        return {OUTPUT: model({"input_ids": input_ids, "attention_mask": mask}).logits}

    return _converted(model, classify, [tf.TensorSpec([None, None], tf.int32, name=INPUT)], per_tensor=False)


def _converted(model: Any, classify: Any, specifications: list[Any], *, per_tensor: bool) -> bytes:
    """Convert a function that captures the model: a module with the model would trace every layer."""
    module = tf.Module()
    module.weights = list(model.variables)
    module.classify = tf.function(classify, input_signature=specifications)
    folder = FOLDER / "saved-model"
    tf.saved_model.save(module, str(folder), signatures={SIGNATURE: module.classify})
    converter = tf.lite.TFLiteConverter.from_saved_model(str(folder), signature_keys=[SIGNATURE])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if per_tensor:
        converter.experimental_new_dynamic_range_quantizer = False  # the previous quantiser has one scale per matrix
    converted: bytes = converter.convert()
    shutil.rmtree(folder)
    return converted


def _write_bundle(folder: Path, model: bytes) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "model.tflite").write_bytes(model)
    shutil.copy(SHIPPED_BUNDLE / "tokenizer.json", folder)
    manifest = json.loads((SHIPPED_BUNDLE / "model.json").read_text())
    for about_another in ("training", "scores", "agreement"):
        manifest.pop(about_another, None)
    manifest |= {
        "name": "mobilebert-random",
        "base": "google/mobilebert-uncased's shape, random weights",
        "precision": "int8",
        "temperature": 1.0,
        "source": {"weights": "random"},
        "files": {name: file_sha256(folder / name) for name in ("model.tflite", "tokenizer.json")},
    }
    (folder / "model.json").write_text(json.dumps(manifest, indent=2) + "\n")


if __name__ == "__main__":
    main()
