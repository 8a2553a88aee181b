"""Networks of the BERT family as transformers' TensorFlow classes have them, with weights in and out by their names.

The names and shapes of weights are those of Hugging Face's PyTorch models, as `model.safetensors` holds them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tensorflow as tf
import tf_keras
import transformers
from safetensors import SafetensorError
from safetensors.numpy import load_file
from transformers.modeling_tf_pytorch_utils import (
    apply_transpose,
    convert_tf_weight_name_to_pt_weight_name,
    load_pytorch_state_dict_in_tf2_model,
)

from stream.tweets.polarity import POLARITIES
from training.checkpoint import CONFIG_FILE, WEIGHTS_FILE, Array, listed
from training.errors import CheckpointError
from training.learning.architectures import ARCHITECTURES, Architecture
from training.learning.pretrained import KERAS_WEIGHTS_FILE

Tensor = Any
"""A tf.Tensor; TensorFlow and transformers come with few types."""
Config = Any
"""A transformers.PretrainedConfig."""
Model = Any
"""A transformers.TFPreTrainedModel."""
Outputs = Any
"""A transformers.utils.ModelOutput."""
Head = Literal["classifier", "masked_words"]

_HEADS = ("classifier", "cls", "lm_head", "dropout")
"""Weights that a pretrained checkpoint may lack, for a task's head is learned with the task."""
_WORD_HEADS = ("mlm", "predictions", "lm_head")
"""What the families call the head that guesses words."""


class Network:
    """An encoder with a head that can be trained.

    Args:
        config: The architecture.
        weights: By name; those of the head may be missing, and are then drawn at random.
        head: What the network is for.
        source: Where the weights came from, for error messages.

    Raises:
        CheckpointError: Weights of the encoder are missing.
    """

    def __init__(self, config: Config, weights: dict[str, Array], head: Head, source: str) -> None:
        transformers.logging.set_verbosity_error()  # it mourns its TensorFlow classes
        self.family: Architecture = ARCHITECTURES[config.model_type]
        kind = self.family.classifier if head == "classifier" else self.family.masked_words
        self.config = config
        self.model, loading = load_pytorch_state_dict_in_tf2_model(
            kind(config), dict(weights), allow_missing_keys=True, output_loading_info=True
        )
        # A head for masked words has no use for the pooler, but the classifier that comes after it has.
        self._pooler = {name: weight for name, weight in weights.items() if ".pooler." in name}
        if missing := [name for name in loading["missing_keys"] if not name.startswith(_HEADS)]:
            raise CheckpointError(f"{source} lacks {listed(missing)}")
        self.ignore_padding()

    @property
    def variables(self) -> list[Any]:
        """The weights that are trained: all that its head reads."""
        variables = self.model.trainable_variables
        return [variable for variable in variables if self.family.reads_pooler or "/pooler/" not in variable.name]

    @property
    def padding_id(self) -> int:
        """The token that fills up a batch's rows."""
        return int(self.config.pad_token_id)

    @property
    def word_embeddings(self) -> Tensor:
        """The one among them that has a row for each word of the vocabulary."""
        return self.model.get_input_embeddings().weight

    @property
    def random_states(self) -> list[Any]:
        """The states of the generators that dropout draws from."""
        # Keras keeps them out of its own checkpoints, and so out of its public attributes.
        layers = [layer for layer in self.model.submodules if isinstance(layer, tf_keras.layers.Dropout)]
        generators = [layer._random_generator._generator for layer in layers]  # noqa: SLF001
        return [generator.state for generator in generators if generator is not None]

    def outputs(self, input_ids: Tensor, *, training: bool = False, states: bool = False) -> Outputs:
        """Run the network.

        Args:
            input_ids: int32 [batch, tokens], filled up with the padding id.
            training: With dropout.
            states: The states of all layers as well.

        Returns:
            transformers' output: `logits`, and `hidden_states` where they were asked for.
        """
        mask = tf.cast(input_ids != self.padding_id, tf.int32)
        return self.model(input_ids, attention_mask=mask, training=training, output_hidden_states=states)

    def word_logits(self, input_ids: Tensor, chosen: Tensor, *, training: bool) -> Tensor:
        """Guess words at chosen tokens alone, for the vocabulary makes each guess dear.

        Args:
            input_ids: int32 [batch, tokens], filled up with the padding id.
            chosen: bool [batch, tokens].
            training: With dropout.

        Returns:
            float32 [chosen tokens, vocabulary].
        """
        encoder = getattr(self.model, self.model.base_model_prefix)
        head = next(getattr(self.model, name) for name in _WORD_HEADS if hasattr(self.model, name))
        mask = tf.cast(input_ids != self.padding_id, tf.int32)
        states = encoder(input_ids, attention_mask=mask, training=training).last_hidden_state
        return head(tf.boolean_mask(states, chosen)[tf.newaxis])[0]

    def ignore_padding(self) -> None:
        """Make the padding's embedding 0, as MobileBERT's trigrams look one token past a tweet's end."""
        embeddings = self.model.get_input_embeddings().weight
        embeddings.scatter_nd_update([[self.padding_id]], tf.zeros([1, embeddings.shape[-1]]))

    def weights(self) -> dict[str, Array]:
        """The weights by name, as a checkpoint holds them."""
        return self._pooler | _weights_of(self.model)


def read_pretrained(folder: Path) -> tuple[Config, dict[str, Array]]:
    """Read a pretrained or fine-tuned checkpoint of the BERT family.

    Returns:
        Its configuration and its weights by name. Columns of labels, if it has any, are in the order of POLARITIES.

    Raises:
        CheckpointError: It cannot be read, or is of another family.
    """
    config = _read_config(folder)
    if not (folder / WEIGHTS_FILE).is_file() and (folder / KERAS_WEIGHTS_FILE).is_file():
        weights = _keras_weights(folder, config)
    else:
        weights = _safe_weights(folder / WEIGHTS_FILE)
    weights = _with_prefix(weights, f"{config.model_type}.")
    columns = [config.label2id.get(polarity) for polarity in POLARITIES]
    labels = ARCHITECTURES[config.model_type].head[-1]
    for name in (f"{labels}.weight", f"{labels}.bias"):
        if None in columns:
            weights.pop(name, None)  # it was of another task
        elif name in weights:
            weights[name] = weights[name][columns]
    config.id2label = dict(enumerate(POLARITIES))
    config.label2id = {label: column for column, label in enumerate(POLARITIES)}
    return config, weights


def has_polarity_head(config: Config, weights: Mapping[str, Array]) -> bool:
    """Whether a checkpoint's weights hold a head that tells polarities."""
    return f"{ARCHITECTURES[config.model_type].head[-1]}.weight" in weights


def _with_prefix(weights: dict[str, Array], prefix: str) -> dict[str, Array]:
    """Name an encoder's weights as they are named within a model that has a head too."""
    if any(name.startswith(prefix) for name in weights):
        return weights
    return {f"{prefix}{name}": weight for name, weight in weights.items()}


def _read_config(folder: Path) -> Config:
    try:
        config = transformers.AutoConfig.from_pretrained(str(folder), local_files_only=True)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"no checkpoint at {folder}: cannot read {CONFIG_FILE}") from error
    if config.model_type not in ARCHITECTURES:
        raise CheckpointError(f"{folder} is a {config.model_type}; what can be trained is {', '.join(ARCHITECTURES)}")
    return config


def _safe_weights(path: Path) -> dict[str, Array]:
    try:
        weights = load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"cannot read {path}: {error}") from error
    return {name: weight.astype(np.float32) for name, weight in weights.items()}


def _keras_weights(folder: Path, config: Config) -> dict[str, Array]:
    """Read weights that were saved by TensorFlow: those of the encoder, its pooler and its head for masked words."""
    weights: dict[str, Array] = {}
    family = ARCHITECTURES[config.model_type]
    for kind in (family.classifier, family.masked_words):
        weights |= _weights_of(kind.from_pretrained(str(folder), config=config, use_safetensors=False))
    return {name: weight for name, weight in weights.items() if not name.startswith("classifier")}


def _weights_of(model: Model) -> dict[str, Array]:
    weights = {}
    for variable in model.weights:
        name, transpose = convert_tf_weight_name_to_pt_weight_name(variable.name, tf_weight_shape=variable.shape)
        weights[name] = np.ascontiguousarray(apply_transpose(transpose, variable.numpy(), pt_to_tf=False))
    return weights
