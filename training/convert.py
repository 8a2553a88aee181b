"""Conversion of a checkpoint to a TensorFlow Lite model."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import tensorflow as tf

from stream.model.bundle import INPUT, OUTPUT, PAIR_INPUTS, SIGNATURE, Precision
from training.checkpoint import Checkpoint
from training.encoder import encoder
from training.errors import ConversionError
from training.layers import Tensor


class Classifying(Protocol):
    """A network that can be converted."""

    variables: list[Any]
    """All weights as tf.Variable."""

    @property
    def logits(self) -> Callable[..., Tensor]:
        """The function from the inputs to logits."""


def tflite_model(
    checkpoint: Checkpoint,
    max_tokens: int,
    precision: Precision,
    *,
    entity: bool = False,
    per_tensor: bool = False,
    keep_at: Path | None = None,
) -> bytes:
    """Convert a checkpoint to a model with one signature and dynamic shapes, as stream/model/bundle.py describes it.

    Args:
        checkpoint: Weights and configuration.
        max_tokens: Longest input in tokens.
        precision: Precision of the weights. At int8 the activations are quantised too, row by row at run time.
        entity: Whether the model reads entities; it then has token types as second input.
        per_tensor: At int8, one scale per matrix instead of one per column. Less exact; tflite-runtime 2.14, the last
            release for 32-bit ARM, needs it.
        keep_at: Folder in which the intermediate SavedModel is kept; must not exist yet.

    Raises:
        ConversionError: The model supports shorter inputs only, or the folder of the SavedModel exists already.
    """
    if max_tokens > checkpoint.config.max_position_embeddings:
        raise ConversionError(
            f"max_tokens is {max_tokens}, but {checkpoint.path} supports at most "
            f"{checkpoint.config.max_position_embeddings} tokens"
        )
    if keep_at and keep_at.exists():
        raise ConversionError(f"{keep_at} exists already: remove it, or give another with --keep-saved-model")
    inputs = PAIR_INPUTS if entity else (INPUT,)
    return converted(encoder(checkpoint, max_tokens), inputs, precision, per_tensor=per_tensor, keep_at=keep_at)


def converted(
    classifier: Classifying,
    inputs: Sequence[str],
    precision: Precision,
    *,
    per_tensor: bool = False,
    keep_at: Path | None = None,
) -> bytes:
    """Convert a network to a model with one signature and dynamic shapes.

    Args:
        classifier: The network.
        inputs: Names of the inputs of its `logits`.
        precision: Precision of the weights.
        per_tensor: As for `tflite_model`.
        keep_at: As for `tflite_model`.
    """
    with TemporaryDirectory(prefix="starling-") as folder:
        _save(classifier, Path(folder), inputs)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=[SIGNATURE])
        _set_precision(converter, precision, per_tensor=per_tensor)
        model: bytes = converter.convert()
        if keep_at:
            shutil.copytree(folder, keep_at)
    return model


def _save(classifier: Classifying, folder: Path, inputs: Sequence[str]) -> None:
    def classify(*tensors: Tensor) -> dict[str, Tensor]:
        return {OUTPUT: classifier.logits(*tensors)}

    module = tf.Module()
    module.variables_to_save = classifier.variables
    specification = [tf.TensorSpec([None, None], tf.int32, name=name) for name in inputs]
    module.classify = tf.function(classify, input_signature=specification)
    tf.get_logger().setLevel("ERROR")  # no line about the temporary folder on stderr
    tf.saved_model.save(module, str(folder), signatures={SIGNATURE: module.classify})


def _set_precision(converter: Tensor, precision: Precision, *, per_tensor: bool) -> None:
    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if per_tensor:
        # The previous quantiser has one scale per matrix.
        converter.experimental_new_dynamic_range_quantizer = False
