"""Dropout from a seed and a training step."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from training.learning.dropout import StatelessDropout
from training.learning.network import Network, read_pretrained

ONES = tf.ones([1000])


@pytest.fixture(scope="module")
def network(checkpoint_folder: Path) -> Network:
    return Network(*read_pretrained(checkpoint_folder), "classifier", "here")


def logits(network: Network, seed: int, step: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    network.seed_dropout(seed, step)
    return np.asarray(network.outputs(tf.constant([[2, 5, 6, 7, 3]]), training=True).logits)


def test_all_dropout_layers_are_replaced(network: Network) -> None:
    layers = network.model.submodules
    assert not [layer for layer in layers if isinstance(layer, tf_keras.layers.Dropout)]
    assert len([layer for layer in layers if isinstance(layer, StatelessDropout)]) == 8


def test_same_seed_and_step_give_the_same_masks(network: Network) -> None:
    assert (logits(network, 1, 7) == logits(network, 1, 7)).all()


@pytest.mark.parametrize(("seed", "step"), [(1, 8), (2, 7)])
def test_other_seed_or_step_gives_other_masks(network: Network, seed: int, step: int) -> None:
    assert (logits(network, 1, 7) != logits(network, seed, step)).any()


def test_masks_change_within_a_step(network: Network) -> None:
    first = logits(network, 1, 7)
    network.next_dropout()
    assert (np.asarray(network.outputs(tf.constant([[2, 5, 6, 7, 3]]), training=True).logits) != first).any()


def test_layers_draw_different_masks() -> None:
    seed = tf.constant([1, 7], tf.int64)
    first, second = (StatelessDropout(0.5, lambda: seed, number)(ONES, training=True) for number in range(2))
    assert (first.numpy() != second.numpy()).any()


def test_dropout_keeps_the_mean_and_zeroes_the_rate() -> None:
    dropped = StatelessDropout(0.25, lambda: tf.constant([1, 7], tf.int64), 0)(ONES, training=True).numpy()
    assert 0.2 < (dropped == 0).mean() < 0.3
    assert dropped[dropped > 0] == pytest.approx(1 / 0.75)


def test_no_dropout_outside_training() -> None:
    assert (StatelessDropout(0.5, lambda: tf.constant([1, 7], tf.int64), 0)(ONES).numpy() == 1).all()


def test_seed_is_not_a_weight(network: Network) -> None:
    assert not [name for name in network.weights() if "dropout" in name]
