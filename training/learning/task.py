"""Training tasks (inputs and loss of a stage), and evaluation on the dev set."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from stream.tweets.polarity import Polarity
from training.checkpoint import Array
from training.learning.batches import BatchOrder, padded
from training.learning.examples import Examples
from training.learning.network import Network, Tensor
from training.learning.recipe import Stage
from training.length_batching import logits_by_length
from training.scores import Scores, score


class Task(Protocol):
    """Network, data and loss of a stage."""

    @property
    def network(self) -> Network:
        """Network that is trained."""

    @property
    def settings(self) -> Stage:
        """Settings of the stage."""

    @property
    def order(self) -> BatchOrder:
        """Order of the tweets."""

    @property
    def signature(self) -> Sequence[Any]:
        """Types and shapes of the inputs, as tf.TensorSpec."""

    def inputs(self, step: int) -> Sequence[NDArray[Any]]:
        """Return the inputs of a step."""

    def loss(self, *inputs: Tensor) -> Tensor:
        """Return the loss of a step's inputs, a scalar."""


class Evaluator:
    """Evaluation of a network on the dev set.

    Args:
        network: Classifier.
        dev: Labelled tweets that are not in the training data.
    """

    def __init__(self, network: Network, dev: Examples) -> None:
        self._network = network
        self._dev = dev
        signature = [tf.TensorSpec([None, None], tf.int32)]
        self._classify = tf.function(lambda ids: network.outputs(ids).logits, input_signature=signature)

    def logits(self, token_ids: Sequence[Sequence[int]]) -> Array:
        """Classify tweets; return shape (tweets, labels)."""
        padding_id = self._network.padding_id
        return logits_by_length(lambda batch: np.asarray(self._classify(padded(batch, padding_id))), token_ids)

    def scores(self) -> Scores:
        """Score the network's labels against the gold labels."""
        return self._scores(self._dev.token_ids)

    def scores_without_entity(self) -> Scores | None:
        """Score the network's labels of the tweets without their entities; None: it reads no entities."""
        return self._scores(self._dev.without_entity) if self._dev.without_entity is not None else None

    def _scores(self, token_ids: Sequence[Sequence[int]]) -> Scores:
        labels: dict[int, Polarity] = self._network.config.id2label
        predicted = self.logits(token_ids).argmax(axis=1)
        return score([labels[column] for column in self._dev.gold], [labels[column] for column in predicted])
