"""Encoders for inference: the network of a checkpoint as a function from token ids to logits."""

from typing import Any, Protocol

from training.architectures import BertConfig, MobileBertConfig
from training.bert import BertClassifier
from training.checkpoint import Checkpoint
from training.layers import Tensor
from training.mobilebert import MobileBertClassifier


class Encoder(Protocol):
    """Network with its weights."""

    variables: list[Any]
    """All weights as tf.Variable; a tf.Module must hold them so that they are saved."""

    def logits(self, input_ids: Tensor) -> Tensor:
        """Classify int32 [batch, tokens], padded with the padding id; return float32 [batch, labels]."""


def encoder(checkpoint: Checkpoint, max_tokens: int) -> Encoder:
    """Make the network of a checkpoint for inputs of at most `max_tokens`."""
    match checkpoint.config:
        case BertConfig() as config:
            return BertClassifier(checkpoint, config, max_tokens)
        case MobileBertConfig() as config:
            return MobileBertClassifier(checkpoint, config, max_tokens)
