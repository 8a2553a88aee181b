"""Trainable networks of the BERT family, by transformers' TensorFlow classes.

Names and shapes of weights are those of Hugging Face's PyTorch models, as in `model.safetensors`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tensorflow as tf
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
from training.learning.activation import use_fast_gelu
from training.learning.architectures import ARCHITECTURES, Architecture
from training.learning.dropout import use_stateless_dropout
from training.learning.pretrained import KERAS_WEIGHTS_FILE

Tensor = Any
"""A tf.Tensor; TensorFlow and transformers have few type annotations."""
Config = Any
"""A transformers.PretrainedConfig."""
Model = Any
"""A transformers.TFPreTrainedModel."""
Outputs = Any
"""A transformers.utils.ModelOutput."""
Head = Literal["classifier", "masked_words"]

_HEADS = ("classifier", "cls", "lm_head", "dropout")
"""Prefixes of weights that a pretrained checkpoint may lack, because the head of a task is trained with the task."""
_WORD_HEADS = ("mlm", "predictions", "lm_head")
"""Attributes of the head for masked-language modelling, by architecture."""


_MOST_STEPS = 1 << 32
"""More than any number of training steps, so that further masks of a step are not those of another step."""


class Network:
    """Trainable encoder with a head.

    Args:
        config: Configuration of transformers.
        weights: Weights by name; missing weights of the head are initialised at random.
        head: Kind of the head.
        source: Origin of the weights, for error messages.
        separator_id: Id of [SEP], after which the second segment begins; None: all inputs have one segment.

    Raises:
        CheckpointError: Weights of the encoder are missing.
    """

    def __init__(
        self,
        config: Config,
        weights: dict[str, Array],
        head: Head,
        source: str,
        separator_id: int | None = None,
    ) -> None:
        transformers.logging.set_verbosity_error()  # no messages about deprecation
        self.architecture: Architecture = ARCHITECTURES[config.model_type]
        kind = self.architecture.classifier if head == "classifier" else self.architecture.masked_words
        self.config = config
        self._separator_id = separator_id
        self.model, loading = load_pytorch_state_dict_in_tf2_model(
            kind(config), dict(weights), allow_missing_keys=True, output_loading_info=True
        )
        # Masked-language modelling does not use the pooler, but the classifier of the next stage does.
        self._pooler = {name: weight for name, weight in weights.items() if ".pooler." in name}
        if missing := [name for name in loading["missing_keys"] if not name.startswith(_HEADS)]:
            raise CheckpointError(f"{source} lacks {listed(missing)}")
        self._dropout_seed = tf.Variable([0, 0], dtype=tf.int64, trainable=False, name="dropout_seed")
        use_stateless_dropout(self.model, self._dropout_seed)
        use_fast_gelu(self.model)
        self.ignore_padding()

    @property
    def variables(self) -> list[Any]:
        """Weights that are trained: all that the head depends on."""
        variables = self.model.trainable_variables
        reads_pooler = self.architecture.reads_pooler
        return [variable for variable in variables if reads_pooler or "/pooler/" not in variable.name]

    @property
    def padding_id(self) -> int:
        """Id of the padding token."""
        return int(self.config.pad_token_id)

    @property
    def word_embeddings(self) -> Tensor:
        """Embedding table of the vocabulary."""
        return self.model.get_input_embeddings().weight

    def seed_dropout(self, seed: int, step: int) -> None:
        """Set the seed of dropout for a training step, so that a resumed run draws the same masks."""
        self._dropout_seed.assign([seed, step])

    def next_dropout(self) -> None:
        """Draw other masks in the rest of the step."""
        self._dropout_seed.assign_add([0, _MOST_STEPS])

    def outputs(self, input_ids: Tensor, *, training: bool = False, states: bool = False) -> Outputs:
        """Run the network.

        Args:
            input_ids: int32 [batch, tokens], padded with the padding id.
            training: Whether dropout is applied.
            states: Whether the states of all layers are returned too.

        Returns:
            transformers' output: `logits`, and `hidden_states` if requested.
        """
        mask = tf.cast(input_ids != self.padding_id, tf.int32)
        return self.model(
            input_ids, attention_mask=mask, training=training, output_hidden_states=states, **self._segments(input_ids)
        )

    def word_logits(self, input_ids: Tensor, selected: Tensor, *, training: bool) -> Tensor:
        """Predict words at selected tokens only, because the vocabulary makes each prediction expensive.

        Args:
            input_ids: int32 [batch, tokens], padded with the padding id.
            selected: bool [batch, tokens].
            training: Whether dropout is applied.

        Returns:
            float32 [selected tokens, vocabulary].
        """
        encoder = getattr(self.model, self.model.base_model_prefix)
        head = next(getattr(self.model, name) for name in _WORD_HEADS if hasattr(self.model, name))
        mask = tf.cast(input_ids != self.padding_id, tf.int32)
        states = encoder(
            input_ids, attention_mask=mask, training=training, **self._segments(input_ids)
        ).last_hidden_state
        return head(tf.boolean_mask(states, selected)[tf.newaxis])[0]

    def _segments(self, input_ids: Tensor) -> dict[str, Tensor]:
        """Return the token types of inputs with two segments, as an argument of the model."""
        if self._separator_id is None:
            return {}
        separators = tf.cast(input_ids == self._separator_id, tf.int32)
        is_second = (tf.cumsum(separators, axis=1, exclusive=True) > 0) & (input_ids != self.padding_id)
        return {"token_type_ids": tf.cast(is_second, tf.int32)}

    def ignore_padding(self) -> None:
        """Set the padding embedding to 0, because MobileBERT's trigrams read one token past the end of a tweet."""
        embeddings = self.model.get_input_embeddings().weight
        embeddings.scatter_nd_update([[self.padding_id]], tf.zeros([1, embeddings.shape[-1]]))

    def weights(self) -> dict[str, Array]:
        """Return the weights by name, as in a checkpoint."""
        return self._pooler | _weights_of(self.model)


def read_pretrained(folder: Path) -> tuple[Config, dict[str, Array]]:
    """Read a pretrained or fine-tuned checkpoint of the BERT family.

    Returns:
        Configuration and weights by name. If it has a classification head, its columns are in the order of POLARITIES.

    Raises:
        CheckpointError: The checkpoint cannot be read, or has another architecture.
    """
    config = _read_config(folder)
    if not (folder / WEIGHTS_FILE).is_file() and (folder / KERAS_WEIGHTS_FILE).is_file():
        weights = _keras_weights(folder, config)
    else:
        weights = _safe_weights(folder / WEIGHTS_FILE)
    weights = with_prefix(weights, f"{config.model_type}.")
    columns = [config.label2id.get(polarity) for polarity in POLARITIES]
    labels = ARCHITECTURES[config.model_type].head[-1]
    for name in (f"{labels}.weight", f"{labels}.bias"):
        if None in columns:
            weights.pop(name, None)  # a head for another task
        elif name in weights:
            weights[name] = weights[name][columns]
    config.id2label = dict(enumerate(POLARITIES))
    config.label2id = {label: column for column, label in enumerate(POLARITIES)}
    return config, weights


def has_polarity_head(config: Config, weights: Mapping[str, Array]) -> bool:
    """Return whether a checkpoint has a classification head for polarities."""
    return f"{ARCHITECTURES[config.model_type].head[-1]}.weight" in weights


def with_prefix(weights: dict[str, Array], prefix: str) -> dict[str, Array]:
    """Rename the weights of a bare encoder to their names in a model with a head."""
    if any(name.startswith(prefix) for name in weights):
        return weights
    return {f"{prefix}{name}": weight for name, weight in weights.items()}


def _read_config(folder: Path) -> Config:
    try:
        config = transformers.AutoConfig.from_pretrained(str(folder), local_files_only=True)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"no checkpoint at {folder}: cannot read {CONFIG_FILE}") from error
    if config.model_type not in ARCHITECTURES:
        raise CheckpointError(
            f"{folder} is a {config.model_type}; supported architectures are {', '.join(ARCHITECTURES)}"
        )
    return config


def _safe_weights(path: Path) -> dict[str, Array]:
    try:
        weights = load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"cannot read {path}: {error}") from error
    return {name: weight.astype(np.float32) for name, weight in weights.items()}


def _keras_weights(folder: Path, config: Config) -> dict[str, Array]:
    """Read weights saved by TensorFlow: encoder, pooler and head for masked-language modelling."""
    weights: dict[str, Array] = {}
    architecture = ARCHITECTURES[config.model_type]
    for kind in (architecture.classifier, architecture.masked_words):
        weights |= _weights_of(kind.from_pretrained(str(folder), config=config, use_safetensors=False))
    return {name: weight for name, weight in weights.items() if not name.startswith("classifier")}


def _weights_of(model: Model) -> dict[str, Array]:
    weights = {}
    for variable in model.weights:
        name, transpose = convert_tf_weight_name_to_pt_weight_name(variable.name, tf_weight_shape=variable.shape)
        weights[name] = np.ascontiguousarray(apply_transpose(transpose, variable.numpy(), pt_to_tf=False))
    return weights
