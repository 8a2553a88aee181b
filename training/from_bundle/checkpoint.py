"""Writes the checkpoint that a bundle could have been made of, once it has answered as the bundle does."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from stream.model.bundle import TOKENIZER_FILE, Bundle, Precision
from stream.model.classifier import Classifier
from training.about import ABOUT_FILE, About, write_about
from training.checkpoint import CONFIG_FILE, WEIGHTS_FILE, Array, load_checkpoint
from training.errors import CheckpointError, DisagreementError
from training.from_bundle.bert_weights import BertGraph
from training.from_bundle.tflite_graph import Graph
from training.learning.files import replacing, write_arrays
from training.reference import Reference

_MOST_MEAN_DIFFERENCE: dict[Precision, float] = {"float32": 1e-4, "float16": 1e-2, "int8": 0.1}
"""Of two logits. Both have the same weights; a bundle in 8 bits rounds the states between them too."""
_PROBES, _PROBE_TOKENS = 32, 24


def unpack_bundle(bundle: Bundle, out: Path) -> float:
    """Make a checkpoint of a bundle, complete or not at all; its weights are as exact as the bundle's precision.

    Returns:
        The mean difference of two logits between the bundle and the checkpoint, over sentences of random words.

    Raises:
        CheckpointError: The bundle is no BERT that `starling convert` made, or the folder is there already.
        DisagreementError: The checkpoint does not answer as the bundle does.
        TrainingError: The checkpoint cannot be written.
    """
    if out.exists():
        raise CheckpointError(f"{out} is there already: name another folder with --out")
    graph = BertGraph(Graph(bundle.model_path), str(bundle.model_path))
    weights = graph.weights()
    with replacing(out) as temporary:
        temporary.mkdir()
        config = _config(bundle, graph, weights)
        (temporary / CONFIG_FILE).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        write_arrays(temporary / WEIGHTS_FILE, weights, {"format": "pt"})
        shutil.copyfile(bundle.tokenizer_path, temporary / TOKENIZER_FILE)
        write_about(temporary / ABOUT_FILE, _about(bundle))
        difference = _difference(bundle, temporary)
        if not difference <= _MOST_MEAN_DIFFERENCE[bundle.manifest.precision]:
            raise DisagreementError(
                f"{bundle.path} cannot be unpacked: what was read out of it answers otherwise, its logits differ by "
                f"{difference:.2g} on average"
            )
    return difference


def _config(bundle: Bundle, graph: BertGraph, weights: dict[str, Array]) -> dict[str, Any]:
    words, hidden = weights["bert.embeddings.word_embeddings.weight"].shape
    labels = dict(enumerate(bundle.manifest.labels))
    return {
        "model_type": "bert",
        "hidden_act": "gelu",
        "vocab_size": words,
        "type_vocab_size": 2,
        "max_position_embeddings": len(weights["bert.embeddings.position_embeddings.weight"]),
        "hidden_size": hidden,
        "intermediate_size": len(weights["bert.encoder.layer.0.intermediate.dense.bias"]),
        "num_hidden_layers": graph.layers,
        "num_attention_heads": graph.heads,
        "layer_norm_eps": graph.epsilon,
        "pad_token_id": 0,
        "id2label": {str(column): label for column, label in labels.items()},
        "label2id": {label: column for column, label in labels.items()},
    }


def _about(bundle: Bundle) -> About:
    manifest = bundle.manifest
    return About(
        name=manifest.name,
        base=manifest.base,
        licence=manifest.licence,
        max_tokens=manifest.max_tokens,
        cleaning=manifest.cleaning,
        source=manifest.source | {"unpacked_from": f"{manifest.name} {manifest.precision} {bundle.sha256}"},
        training=manifest.training,
    )


def _difference(bundle: Bundle, folder: Path) -> float:
    checkpoint = load_checkpoint(folder)
    words = np.random.default_rng(0).integers(1, checkpoint.config.vocab_size, (_PROBES, _PROBE_TOKENS))
    probes: list[list[int]] = words.tolist()
    return float(np.abs(Classifier(bundle).logits(probes) - Reference(checkpoint).logits(probes)).mean())
