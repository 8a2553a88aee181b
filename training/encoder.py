"""A checkpoint as a function from token ids to logits, by whichever file writes out its architecture."""

from typing import Any, Protocol

from training.architectures import BertConfig, MobileBertConfig
from training.bert import BertClassifier
from training.checkpoint import Checkpoint
from training.layers import Tensor
from training.mobilebert import MobileBertClassifier


class Encoder(Protocol):
    """A network with its weights."""

    variables: list[Any]
    """All weights, as tf.Variable: what a tf.Module must hold for them to be saved."""

    def logits(self, input_ids: Tensor) -> Tensor:
        """Classify int32 [batch, tokens], filled up with the padding id; returns float32 [batch, labels]."""


def encoder(checkpoint: Checkpoint, max_tokens: int) -> Encoder:
    """Make a checkpoint's network, for inputs of at most `max_tokens`."""
    match checkpoint.config:
        case BertConfig() as config:
            return BertClassifier(checkpoint, config, max_tokens)
        case MobileBertConfig() as config:
            return MobileBertClassifier(checkpoint, config, max_tokens)
