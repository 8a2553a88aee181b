"""Conversion of a bundle back to a checkpoint, which is written only if its outputs equal those of the bundle."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from stream.model.bundle import MODEL_FILE, TOKENIZER_FILE, Bundle, Precision
from stream.model.classifier import Classifier
from training.about import ABOUT_FILE, About, write_about
from training.checkpoint import CONFIG_FILE, WEIGHTS_FILE, Array, load_checkpoint
from training.errors import CheckpointError, DisagreementError
from training.from_bundle.bert_weights import BertGraph
from training.from_bundle.tflite_graph import Graph
from training.learning.files import replacing, write_arrays
from training.reference import Reference

_MOST_MEAN_DIFFERENCE: dict[Precision, float] = {"float32": 1e-4, "float16": 1e-2, "int8": 0.1}
"""Maximum mean difference of logits. The weights are equal; an int8 bundle rounds the activations too."""
_PROBES, _PROBE_TOKENS = 32, 24


def unpack_bundle(bundle: Bundle, out: Path) -> float:
    """Write the checkpoint of a bundle, complete or not at all, with weights as accurate as the bundle's precision.

    Returns:
        Mean difference of the logits of bundle and checkpoint for sentences of random words.

    Raises:
        CheckpointError: The bundle is not a BERT that `starling convert` made, or the folder exists already.
        DisagreementError: The outputs of checkpoint and bundle differ.
        TrainingError: The checkpoint cannot be written.
    """
    if out.exists():
        raise CheckpointError(f"{out} exists already: give another folder with --out")
    graph = BertGraph(Graph(bundle.model.path), str(bundle.path / MODEL_FILE))
    weights = graph.weights()
    with replacing(out) as temporary:
        temporary.mkdir()
        config = _config(bundle, graph, weights)
        (temporary / CONFIG_FILE).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        write_arrays(temporary / WEIGHTS_FILE, weights, {"format": "pt"})
        shutil.copyfile(bundle.tokenizer.path, temporary / TOKENIZER_FILE)
        write_about(temporary / ABOUT_FILE, _about(bundle))
        difference = _difference(bundle, temporary)
        if not difference <= _MOST_MEAN_DIFFERENCE[bundle.manifest.precision]:
            raise DisagreementError(
                f"{bundle.path} cannot be unpacked: the logits of the extracted weights differ from the bundle's by "
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
        entity=manifest.inputs.entity,
        languages=manifest.languages,
        source=manifest.source | {"unpacked_from": f"{manifest.name} {manifest.precision} {bundle.sha256}"},
        training=manifest.training,
    )


def _difference(bundle: Bundle, folder: Path) -> float:
    checkpoint = load_checkpoint(folder)
    words = np.random.default_rng(0).integers(1, checkpoint.config.vocab_size, (_PROBES, _PROBE_TOKENS))
    probes: list[list[int]] = words.tolist()
    reference = Reference(checkpoint, entity=bundle.manifest.inputs.entity)
    return float(np.abs(Classifier(bundle).logits(probes) - reference.logits(probes)).mean())
