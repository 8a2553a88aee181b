"""Learning from the worst case beside the case: word embeddings moved against the network.

Miyato, Dai and Goodfellow, 'Adversarial Training Methods for Semi-Supervised Text Classification' (2017,
arXiv:1605.07725), equations (3) and (6), with one gradient for the whole batch in the place of one for each text.
"""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from training.learning.network import Tensor

Variable = Any


def adversarial_gradients(
    loss_of: Callable[[], Tensor], variables: Sequence[Variable], embeddings: Variable, distance: float
) -> tuple[Tensor, list[Tensor]]:
    """A loss, and its gradients added to those of the same loss where the embeddings are moved to raise it.

    Args:
        loss_of: Works out the loss of a batch, a scalar.
        variables: The weights, whose gradients are wanted.
        embeddings: The one among them that is moved, and moved back.
        distance: How far, as a Euclidean length over all words of the batch together.

    Returns:
        The loss before the move, and the gradients in the order of the weights.
    """
    place = next(index for index, variable in enumerate(variables) if variable is embeddings)
    loss, gradients = _gradients(loss_of, variables)
    move = distance * tf.math.divide_no_nan(gradients[place], tf.norm(gradients[place]))
    embeddings.assign_add(move)
    _, moved = _gradients(loss_of, variables)
    embeddings.assign_sub(move)
    return loss, [here + there for here, there in zip(gradients, moved, strict=True)]


def _gradients(loss_of: Callable[[], Tensor], variables: Sequence[Variable]) -> tuple[Tensor, list[Tensor]]:
    with tf.GradientTape() as tape:
        loss = loss_of()
    # Those of embeddings come as slices, one for each time that a word stands in the batch.
    return loss, [tf.convert_to_tensor(gradient) for gradient in tape.gradient(loss, variables)]
