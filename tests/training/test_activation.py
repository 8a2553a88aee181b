"""The fast GELU, its gradient, and the layers that use it."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from training.learning.activation import gelu
from training.learning.network import Network, read_pretrained

pytestmark = pytest.mark.training

VALUES = np.concatenate([np.linspace(-12, 12, 2001), [-100.0, 0.0, 100.0]]).astype(np.float32)


def test_values_and_gradients_are_those_of_tensorflow() -> None:
    upstream = tf.constant(np.random.default_rng(0).normal(size=len(VALUES)), tf.float32)
    found = []
    for function in (gelu, tf.nn.gelu):
        states = tf.Variable(VALUES)
        with tf.GradientTape() as tape:
            outputs = function(states)
        found.append((outputs.numpy(), tape.gradient(outputs, states, upstream).numpy()))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-6)


def test_network_uses_it(checkpoint_folder: Path) -> None:
    network = Network(*read_pretrained(checkpoint_folder), "classifier", "here")
    used = [getattr(layer, "intermediate_act_fn", None) for layer in network.model.submodules]
    assert used.count(gelu) == network.config.num_hidden_layers
