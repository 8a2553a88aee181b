"""Reference outputs: a checkpoint run by transformers, with which a converted model is compared."""

from collections.abc import Sequence

import tensorflow as tf
import transformers
from transformers.modeling_tf_pytorch_utils import load_pytorch_state_dict_in_tf2_model

from stream.model.bundle import PADDING_ID
from stream.model.segments import token_types
from training.checkpoint import Array, Checkpoint
from training.errors import CheckpointError

_CLASSES = {
    "bert": (transformers.BertConfig, transformers.TFBertForSequenceClassification),
    "mobilebert": (transformers.MobileBertConfig, transformers.TFMobileBertForSequenceClassification),
}


class Reference:
    """A checkpoint in float32, run by transformers' TensorFlow class.

    Args:
        checkpoint: The checkpoint.
        entity: Whether it reads entities as second segments.

    Raises:
        CheckpointError: Weights are missing.
    """

    def __init__(self, checkpoint: Checkpoint, *, entity: bool = False) -> None:
        transformers.logging.set_verbosity_error()  # no messages about loading and deprecation
        self._entity = entity
        kind, network = _CLASSES[checkpoint.config.model_type]
        self.name = f"{network.__name__} of transformers {transformers.__version__}, float32"
        config = kind.from_pretrained(str(checkpoint.path))
        # from_pretrained cannot read a safetensors file in PyTorch's layout without PyTorch.
        self._model, loading = load_pytorch_state_dict_in_tf2_model(
            network(config), _with_zero_padding(checkpoint), allow_missing_keys=True, output_loading_info=True
        )
        if loading["missing_keys"]:
            raise CheckpointError(f"{checkpoint.weights_path} lacks {', '.join(loading['missing_keys'])}")

    def logits(self, batch: Sequence[Sequence[int]]) -> Array:
        """Classify a batch of token ids; return shape (len(batch), labels)."""
        input_ids = tf.ragged.constant(batch, dtype=tf.int32).to_tensor(PADDING_ID)
        mask = tf.cast(input_ids != PADDING_ID, tf.int32)
        types = token_types(batch, input_ids.shape[1]) if self._entity else tf.zeros_like(input_ids)
        logits: Array = self._model(input_ids=input_ids, attention_mask=mask, token_type_ids=types).logits.numpy()
        return logits


def _with_zero_padding(checkpoint: Checkpoint) -> dict[str, Array]:
    """Return the weights with a padding embedding of 0, because MobileBERT's trigrams read one token past the end."""
    name = f"{checkpoint.config.model_type}.embeddings.word_embeddings.weight"
    words = checkpoint.weights[name].copy()
    words[PADDING_ID] = 0
    return checkpoint.weights | {name: words}
