"""Fine-tuning on gold labels."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.learning.batches import padded
from training.learning.examples import Examples
from training.learning.network import Network, Tensor
from training.learning.recipe import Supervised

_EXPONENTS = {"none": 0.0, "sqrt": 0.5, "full": 1.0}


class FineTuning:
    """Fine-tuning objective: cross-entropy with label smoothing and class weights.

    Args:
        network: Classifier.
        settings: Settings of the stage.
        examples: Labelled tweets.
        seed: Seed of the order of the tweets.
        entity_dropout: Share of the tweets whose entity is left out.
    """

    def __init__(
        self, network: Network, settings: Supervised, examples: Examples, seed: int, entity_dropout: float = 0.0
    ) -> None:
        self.network = network
        self.settings = settings
        self.order = examples.order(settings.batch_tweets, seed)
        self.signature = (tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32))
        self._examples = examples
        self._entity_dropout = entity_dropout
        self._class_weights = tf.constant(class_weights(examples.gold_in_epoch, settings), tf.float32)

    def inputs(self, step: int) -> Sequence[NDArray[Any]]:
        """Return token ids and gold columns of a batch."""
        indices = self.order.batch(step)
        bare = self._examples.entity_dropout(self.order, step, self._entity_dropout)
        rows = self._examples.rows(indices, bare)
        return padded(rows, self.network.padding_id), self._examples.gold[indices].astype(np.int32)

    def loss(self, *inputs: Tensor) -> Tensor:
        """Return the weighted mean loss of the batch."""
        token_ids, gold = inputs
        logits = self.network.outputs(token_ids, training=True).logits
        return gold_loss(logits, gold, self._class_weights, self.settings.label_smoothing)


def class_weights(gold: NDArray[np.int64], settings: Supervised) -> NDArray[np.float64]:
    """Return the weight of each class, 1 on average over the labelled tweets; shape (classes,)."""
    tweets = np.bincount(gold[gold >= 0], minlength=3)
    weights = (tweets.sum() / np.maximum(tweets, 1)) ** _EXPONENTS[settings.class_weights]
    normalised: NDArray[np.float64] = weights * tweets.sum() / (weights * tweets).sum()
    return normalised


def gold_loss(logits: Tensor, gold: Tensor, weights: Tensor, smoothing: float) -> Tensor:
    """Return the weighted mean cross-entropy with gold labels.

    Args:
        logits: float32 [batch, classes].
        gold: int32 [batch]; -1 for unlabelled tweets, which are ignored.
        weights: float32 [classes].
        smoothing: Share of each label that is distributed over all classes.
    """
    classes = logits.shape[-1]
    targets = tf.one_hot(gold, classes) * (1.0 - smoothing) + smoothing / classes
    losses = tf.nn.softmax_cross_entropy_with_logits(targets, logits)
    tweet_weights = tf.where(gold >= 0, tf.gather(weights, tf.maximum(gold, 0)), 0.0)
    return tf.math.divide_no_nan(tf.reduce_sum(losses * tweet_weights), tf.reduce_sum(tweet_weights))
