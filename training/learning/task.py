"""What a stage learns: its inputs, its loss, and the measure of how well it does."""

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
    """One stage's."""

    @property
    def network(self) -> Network:
        """What learns."""

    @property
    def settings(self) -> Stage:
        """The stage's."""

    @property
    def order(self) -> BatchOrder:
        """In which the tweets come."""

    @property
    def signature(self) -> Sequence[Any]:
        """The tf.TensorSpec of each input."""

    def inputs(self, step: int) -> Sequence[NDArray[Any]]:
        """What a step learns from."""

    def loss(self, *inputs: Tensor) -> Tensor:
        """How wrong the network is about a step's inputs, a scalar."""


class Evaluator:
    """Scores a network on the dev set.

    Args:
        network: A classifier.
        dev: Labelled tweets that are not learned from.
    """

    def __init__(self, network: Network, dev: Examples) -> None:
        self._network = network
        self._dev = dev
        signature = [tf.TensorSpec([None, None], tf.int32)]
        self._classify = tf.function(lambda ids: network.outputs(ids).logits, input_signature=signature)

    def logits(self, token_ids: Sequence[Sequence[int]]) -> Array:
        """Classify tweets; returns shape (tweets, labels)."""
        padding_id = self._network.padding_id
        return logits_by_length(lambda batch: np.asarray(self._classify(padded(batch, padding_id))), token_ids)

    def scores(self) -> Scores:
        """Compare the network's labels with people's."""
        labels: dict[int, Polarity] = self._network.config.id2label
        given = self.logits(self._dev.token_ids).argmax(axis=1)
        return score([labels[column] for column in self._dev.gold], [labels[column] for column in given])
