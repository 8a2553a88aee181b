"""Training of the network of `first` on soft labels."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
import tf_keras
from numpy.typing import NDArray

from stream.model.bundle import PADDING_ID
from training.checkpoint import Array
from training.first.network import Dropout, FirstNetwork

_WARM_UP_STEPS = 100
_BATCHES_SORTED = 50
"""Batches are cut from this many tweets, times the batch size, sorted by length, so that padding is small."""
_REPORT_STEPS = 200
_PREDICTED_AT_ONCE = 256

Rows = Sequence[NDArray[np.int32]]
"""Token ids of each tweet."""


@dataclass(frozen=True)
class Stage:
    """Settings of a stage of training: Adam with linear warm-up and decay."""

    learning_rate: float
    epochs: float
    batch: int = 128


def train(
    network: FirstNetwork, rows: Rows, targets: Array, stage: Stage, seed: int, on_step: Callable[[str], None]
) -> None:
    """Train a network on soft labels.

    Args:
        network: Its weights are changed.
        rows: Token ids of each tweet.
        targets: Probabilities of each tweet, shape (tweets, labels).
        stage: Settings.
        seed: Seed of order and dropout.
        on_step: Called with the progress.
    """
    tf.random.set_seed(seed)
    generator = np.random.default_rng(seed)
    optimiser = tf_keras.optimizers.legacy.Adam(0.0)

    def step(input_ids: object, wanted: object) -> object:
        with tf.GradientTape() as tape:
            losses = tf.nn.softmax_cross_entropy_with_logits(wanted, network.logits(input_ids, Dropout()))
            loss = tf.reduce_mean(losses)
        optimiser.apply_gradients(zip(tape.gradient(loss, network.variables), network.variables, strict=True))
        return loss

    specification = [tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None, targets.shape[1]], tf.float32)]
    compiled = tf.function(step, input_signature=specification)
    steps = max(1, round(stage.epochs * len(rows) / stage.batch))
    losses = []
    for number, places in zip(range(steps), _endless_batches(rows, stage.batch, generator), strict=False):
        warm_up = min(1.0, (number + 1) / _WARM_UP_STEPS)
        optimiser.learning_rate = stage.learning_rate * warm_up * (1 - number / steps)
        losses.append(float(compiled(padded([rows[place] for place in places]), targets[places])))
        if (number + 1) % _REPORT_STEPS == 0:
            on_step(f"{number + 1} of {steps} steps, loss {np.mean(losses[-_REPORT_STEPS:]):.4f}")


def predict(network: FirstNetwork, rows: Rows) -> Array:
    """Return the logits of tweets, shape (tweets, labels)."""
    order = np.argsort([len(row) for row in rows], kind="stable")
    chunks = [order[first : first + _PREDICTED_AT_ONCE] for first in range(0, len(order), _PREDICTED_AT_ONCE)]
    found = [network.logits(padded([rows[place] for place in chunk])).numpy() for chunk in chunks]
    logits = np.empty((len(rows), found[0].shape[1]), np.float32)
    logits[order] = np.concatenate(found)
    return logits


def padded(rows: Rows) -> NDArray[np.int32]:
    """Return rows of one length, shape (rows, tokens)."""
    ids = np.full((len(rows), max(map(len, rows))), PADDING_ID, np.int32)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = row
    return ids


def _endless_batches(rows: Rows, batch: int, generator: np.random.Generator) -> Iterator[NDArray[np.intp]]:
    lengths = np.array([len(row) for row in rows])
    while True:
        order = generator.permutation(len(rows))
        batches = []
        for first in range(0, len(order), batch * _BATCHES_SORTED):
            some = order[first : first + batch * _BATCHES_SORTED]
            some = some[np.argsort(lengths[some], kind="stable")]
            batches += [some[place : place + batch] for place in range(0, len(some), batch)]
        yield from (batches[place] for place in generator.permutation(len(batches)))
