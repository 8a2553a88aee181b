"""Learning from what teachers say of tweets, beside what people said (Hinton et al., 2015, arXiv:1503.02531)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.errors import RecipeError
from training.learning.batches import BatchOrder, padded
from training.learning.examples import Examples
from training.learning.fine_tuning import class_weights, gold_loss
from training.learning.network import Network, Tensor
from training.learning.recipe import Distil
from training.learning.teachers import SoftLabels


class Distillation:
    """Cross-entropy with the teachers' softened labels, and with people's where there are any.

    Args:
        network: The student, a classifier whose columns are in the order of POLARITIES.
        settings: The stage's.
        examples: Tweets, labelled and not.
        taught: What the teachers say of each of them.
        seed: Of the order of the tweets.

    Raises:
        RecipeError: The student is to resemble the teacher's states, and theirs have another size.
    """

    def __init__(self, network: Network, settings: Distil, examples: Examples, taught: SoftLabels, seed: int) -> None:
        if settings.state_weight and taught.states.shape[1] != network.config.hidden_size:
            raise RecipeError(
                f"distil.state_weight needs teacher and student to be equally wide: {taught.states.shape[1]} and "
                f"{network.config.hidden_size}"
            )
        self.network = network
        self.settings = settings
        self.order = BatchOrder(examples.lengths, settings.batch_tweets, seed)
        rows = tf.TensorSpec([None, None], tf.float32)
        self.signature = (tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32), rows, rows)
        self._examples = examples
        self._taught = taught
        self._class_weights = tf.constant(class_weights(examples.gold, settings), tf.float32)

    def inputs(self, step: int) -> Sequence[NDArray[Any]]:
        """Token ids, gold columns, the teachers' probabilities, and the first teacher's states of a batch."""
        indices = self.order.batch(step)
        return (
            padded([self._examples.token_ids[index] for index in indices], self.network.padding_id),
            self._examples.gold[indices].astype(np.int32),
            self._taught.probabilities[indices],
            self._taught.states[indices].astype(np.float32),
        )

    def loss(self, *inputs: Tensor) -> Tensor:
        """The weighted sum of what teachers, people and states say."""
        token_ids, gold, probabilities, states = inputs
        settings = self.settings
        outputs = self.network.outputs(token_ids, training=True, states=True)
        # The gradient falls with the square of the temperature, which the factor makes up for.
        soft = settings.temperature**2 * tf.reduce_mean(
            tf.nn.softmax_cross_entropy_with_logits(probabilities, outputs.logits / settings.temperature)
        )
        hard = gold_loss(outputs.logits, gold, self._class_weights, settings.label_smoothing)
        loss = (1.0 - settings.gold_weight) * soft + settings.gold_weight * hard
        if settings.state_weight:
            loss += settings.state_weight * tf.reduce_mean(tf.square(outputs.hidden_states[-1][:, 0] - states))
        return loss
