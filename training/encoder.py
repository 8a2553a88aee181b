"""Selection of the encoder for inference by the architecture of a checkpoint."""

from training.architectures import BertConfig, MobileBertConfig
from training.bert import BertClassifier
from training.checkpoint import Checkpoint
from training.layers import TransformerClassifier
from training.mobilebert import MobileBertClassifier


def encoder(checkpoint: Checkpoint, max_tokens: int) -> TransformerClassifier:
    """Make the network of a checkpoint for inputs of at most `max_tokens`."""
    match checkpoint.config:
        case BertConfig() as config:
            return BertClassifier(checkpoint, config, max_tokens)
        case MobileBertConfig() as config:
            return MobileBertClassifier(checkpoint, config, max_tokens)
