"""The network of the bundle `first`: its operations, its training and its conversion."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from stream.model.bundle import INPUT, MODEL_FILE, load_bundle
from stream.model.classifier import Classifier
from tests.unit.tiny_bundle import write_bundle, write_manifest
from training.convert import converted
from training.first.fitting import Stage, padded, predict, train
from training.first.network import HIDDEN, FirstNetwork, initial_weights

WORDS = 600
LABELS = 3


@pytest.fixture
def network() -> FirstNetwork:
    words = np.random.default_rng(1).normal(size=(WORDS, 2 * HIDDEN)).astype(np.float32)
    return FirstNetwork(initial_weights(words, seed=0))


def rows(*lengths: int) -> list[NDArray[np.int32]]:
    generator = np.random.default_rng(2)
    return [generator.integers(1, WORDS, length).astype(np.int32) for length in lengths]


def test_padding_does_not_change_a_tweets_logits(network: FirstNetwork) -> None:
    short, long = rows(3, 9)
    together = network.logits(padded([short, long])).numpy()
    assert together[0] == pytest.approx(network.logits(padded([short])).numpy()[0], abs=1e-5)


def test_the_states_are_convolved_with_their_neighbours(network: FirstNetwork) -> None:
    """The logits equal those of TensorFlow's own convolution."""
    weights, (row,) = network.weights, rows(7)
    states = weights["words"][row][None]
    for name in ("convolution_1", "convolution_2"):
        found = tf.nn.conv1d(states, weights[f"{name}.kernel"], 1, "SAME") + weights[f"{name}.bias"]
        states = states + tf.nn.relu(found)
    summary = tf.concat([tf.reduce_mean(states, 1), tf.reduce_max(states, 1)], 1)  # the initial attention is even
    inner = tf.nn.relu(summary @ weights["dense.kernel"] + weights["dense.bias"])
    expected = (inner @ weights["classifier.kernel"] + weights["classifier.bias"]).numpy()
    assert network.logits(padded([row])).numpy() == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(("precision", "difference"), [("float32", 1e-3), ("int8", 0.2)])
def test_the_converted_network_gives_the_same_logits(
    network: FirstNetwork, tmp_path: Path, precision: str, difference: float
) -> None:
    folder = write_bundle(tmp_path)
    model = converted(network.for_conversion(), (INPUT,), precision)  # type: ignore[arg-type]  # a parameter of pytest
    (folder / MODEL_FILE).write_bytes(model)
    write_manifest(folder, precision=precision, max_tokens=12, length_buckets=[4, 8, 12])
    tweets = rows(4, 9, 12)
    own, found = predict(network, tweets), Classifier(load_bundle(folder)).logits([row.tolist() for row in tweets])
    assert np.abs(own - found).max() < difference * max(1, np.abs(own).max())


def test_training_learns_which_words_are_positive(network: FirstNetwork) -> None:
    tweets = rows(*[6] * 256)
    targets = np.eye(LABELS, dtype=np.float32)[[2 if row[0] < WORDS // 2 else 0 for row in tweets]]
    for row, target in zip(tweets, targets, strict=True):
        row[:] = np.where(target[2], row % (WORDS // 2) + 1, row % (WORDS // 2 - 1) + WORDS // 2)
    steps: list[str] = []
    train(network, tweets, targets, Stage(learning_rate=3e-3, epochs=40, batch=32), 0, steps.append)
    assert (predict(network, tweets).argmax(1) == targets.argmax(1)).mean() > 0.95
    assert steps[0].startswith("200 of 320 steps, loss ")
