"""Adversarial training: gradients at adversarially perturbed word embeddings.

Miyato, Dai and Goodfellow, 'Adversarial Training Methods for Semi-Supervised Text Classification' (2017,
arXiv:1605.07725), equations (3) and (6), with one gradient per batch instead of one per text.
"""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from training.learning.network import Tensor

Variable = Any


def adversarial_gradients(
    loss_of: Callable[[], Tensor], variables: Sequence[Variable], embeddings: Variable, distance: float
) -> tuple[Tensor, list[Tensor]]:
    """Return a loss, and the sum of its gradients with and without an adversarial perturbation of the embeddings.

    Args:
        loss_of: Computes the loss of a batch, a scalar.
        variables: Weights for which gradients are computed.
        embeddings: The word embeddings, one of `variables`; restored after the perturbation.
        distance: Euclidean norm of the perturbation over all words of the batch together.

    Returns:
        The loss without perturbation, and the gradients in the order of `variables`.
    """
    place = next(index for index, variable in enumerate(variables) if variable is embeddings)
    loss, gradients = _gradients(loss_of, variables)
    # One slice per occurrence of a word in the batch; all other rows have no gradient.
    slices = gradients[place]
    words, occurrences = tf.unique(slices.indices)
    rows = tf.math.unsorted_segment_sum(slices.values, occurrences, tf.size(words))
    before = tf.gather(embeddings, words)
    perturbed = before + distance * tf.math.divide_no_nan(rows, tf.norm(rows))
    embeddings.scatter_update(tf.IndexedSlices(perturbed, words))
    _, adversarial = _gradients(loss_of, variables)
    embeddings.scatter_update(tf.IndexedSlices(before, words))
    return loss, [_sum(plain, other) for plain, other in zip(gradients, adversarial, strict=True)]


def _gradients(loss_of: Callable[[], Tensor], variables: Sequence[Variable]) -> tuple[Tensor, list[Tensor]]:
    with tf.GradientTape() as tape:
        loss = loss_of()
    return loss, tape.gradient(loss, variables)


def _sum(first: Tensor, second: Tensor) -> Tensor:
    if not isinstance(first, tf.IndexedSlices):
        return first + second
    values = tf.concat([first.values, second.values], axis=0)
    indices = tf.concat([first.indices, second.indices], axis=0)
    return tf.convert_to_tensor(tf.IndexedSlices(values, indices, first.dense_shape))
