"""Learning from the worst case beside the case: word embeddings moved against the network.

Miyato, Dai and Goodfellow, 'Adversarial Training Methods for Semi-Supervised Text Classification' (2017,
arXiv:1605.07725), equations (3) and (6), with one gradient for the whole batch in the place of one for each text.
The consistency of both answers is asked for as in Jiang et al., 'SMART' (2020, arXiv:1911.03437), equation (1), the
answer to the case being taken for given.
"""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from training.learning.network import Tensor
from training.learning.task import Answer

Variable = Any


def adversarial_gradients(
    answer: Callable[[], Answer],
    variables: Sequence[Variable],
    embeddings: Variable,
    distance: float,
    consistency: float = 0.0,
) -> tuple[Tensor, list[Tensor]]:
    """A loss, and its gradients added to those of the same loss where the embeddings are moved to raise it.

    Args:
        answer: Answers a batch.
        variables: The weights, whose gradients are wanted.
        embeddings: The one among them that is moved, and moved back.
        distance: How far, as a Euclidean length over all words of the batch together.
        consistency: How much it counts that the answer there is another: the Kullback-Leibler divergence from that
            before the move, in nats, the mean over the batch's rows.

    Returns:
        The loss before the move, and the gradients in the order of the weights.
    """
    place = next(index for index, variable in enumerate(variables) if variable is embeddings)
    loss, gradients, logits = _gradients(answer, variables)
    expected = tf.nn.softmax(logits)
    move = distance * tf.math.divide_no_nan(gradients[place], tf.norm(gradients[place]))
    embeddings.assign_add(move)

    def moved_answer() -> Answer:
        there = answer()
        # Cross-entropy: what it differs by from the divergence has no gradient.
        strayed = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(expected, there.logits))
        return Answer(there.loss + consistency * strayed, there.logits)

    _, moved, _ = _gradients(moved_answer if consistency else answer, variables)
    embeddings.assign_sub(move)
    return loss, [here + there for here, there in zip(gradients, moved, strict=True)]


def _gradients(answer: Callable[[], Answer], variables: Sequence[Variable]) -> tuple[Tensor, list[Tensor], Tensor]:
    """The loss of an answer, its gradients, and the logits."""
    with tf.GradientTape() as tape:
        given = answer()
    # Those of embeddings come as slices, one for each time that a word stands in the batch.
    gradients = [tf.convert_to_tensor(gradient) for gradient in tape.gradient(given.loss, variables)]
    return given.loss, gradients, given.logits
