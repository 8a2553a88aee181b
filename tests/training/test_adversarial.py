"""Gradients at adversarial perturbations."""

import numpy as np
import pytest
import tensorflow as tf

from training.learning.adversarial import adversarial_gradients

pytestmark = pytest.mark.training

IDS = tf.constant([[0, 2, 2], [1, 2, 0]])
EMBEDDINGS = np.array([[1.0, 2.0], [0.5, -1.0], [-2.0, 0.25], [9.0, 9.0]], np.float32)
WEIGHTS = np.array([[0.5], [-1.5]], np.float32)


def loss_at(embeddings: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(tf.square(tf.gather(embeddings, IDS) @ weights))


def plain_gradients(embeddings: np.ndarray, weights: np.ndarray) -> list[np.ndarray]:
    at = [tf.constant(embeddings), tf.constant(weights)]
    with tf.GradientTape() as tape:
        tape.watch(at)
        loss = loss_at(*at)
    return [tf.convert_to_tensor(gradient).numpy() for gradient in tape.gradient(loss, at)]


def test_gradients_are_the_sum_of_plain_and_adversarial_gradients() -> None:
    embeddings, weights = tf.Variable(EMBEDDINGS), tf.Variable(WEIGHTS)
    loss, found = adversarial_gradients(lambda: loss_at(embeddings, weights), [weights, embeddings], embeddings, 0.3)
    here = plain_gradients(EMBEDDINGS, WEIGHTS)
    moved = EMBEDDINGS + 0.3 * here[0] / np.linalg.norm(here[0])
    there = plain_gradients(moved, WEIGHTS)
    assert loss_at(moved, WEIGHTS) > loss == loss_at(EMBEDDINGS, WEIGHTS)
    np.testing.assert_allclose(found[0], here[1] + there[1], rtol=1e-5)
    np.testing.assert_allclose(found[1], here[0] + there[0], rtol=1e-5)


def test_embeddings_are_restored_after_the_perturbation() -> None:
    embeddings, weights = tf.Variable(EMBEDDINGS), tf.Variable(WEIGHTS)
    adversarial_gradients(lambda: loss_at(embeddings, weights), [embeddings, weights], embeddings, 2.0)
    np.testing.assert_allclose(embeddings, EMBEDDINGS, rtol=1e-6)


def test_zero_gradient_gives_no_perturbation() -> None:
    embeddings, weights = tf.Variable(EMBEDDINGS), tf.Variable(np.zeros_like(WEIGHTS))
    _, found = adversarial_gradients(lambda: loss_at(embeddings, weights), [embeddings, weights], embeddings, 1.0)
    assert all(np.isfinite(gradient).all() for gradient in found)
