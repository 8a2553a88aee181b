"""Knowledge distillation from teachers' soft labels and gold labels (Hinton et al., 2015, arXiv:1503.02531)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.errors import RecipeError
from training.learning.batches import padded
from training.learning.examples import Examples
from training.learning.fine_tuning import class_weights, gold_loss
from training.learning.network import Network, Tensor
from training.learning.recipe import Distil
from training.learning.teachers import SoftLabels


class Distillation:
    """Distillation objective: cross-entropy with soft labels, and with gold labels where they exist.

    Args:
        network: Student, a classifier with columns in the order of POLARITIES.
        settings: Settings of the stage.
        examples: Labelled and unlabelled tweets.
        soft_labels: Outputs of the teachers for each tweet.
        seed: Seed of the order of the tweets.
        entity_dropout: Share of the tweets whose entity is left out, with the soft labels for this.

    Raises:
        RecipeError: `state_weight` is set, but the hidden sizes of student and teacher differ.
    """

    def __init__(
        self,
        network: Network,
        settings: Distil,
        examples: Examples,
        soft_labels: SoftLabels,
        seed: int,
        entity_dropout: float = 0.0,
    ) -> None:
        if settings.state_weight and soft_labels.states.shape[1] != network.config.hidden_size:
            raise RecipeError(
                "distil.state_weight needs equal hidden sizes of teacher and student, not "
                f"{soft_labels.states.shape[1]} and {network.config.hidden_size}"
            )
        self.network = network
        self.settings = settings
        self.order = examples.order(settings.batch_tweets, seed)
        rows = tf.TensorSpec([None, None], tf.float32)
        self.signature = (tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32), rows, rows)
        self._examples = examples
        self._soft_labels = soft_labels
        self._entity_dropout = entity_dropout
        self._class_weights = tf.constant(class_weights(examples.gold_in_epoch, settings), tf.float32)

    def inputs(self, step: int) -> Sequence[NDArray[Any]]:
        """Return token ids, gold columns, the teachers' probabilities and the first teacher's states of a batch."""
        indices = self.order.batch(step)
        bare = self._examples.entity_dropout(self.order, step, self._entity_dropout)
        return (
            padded(self._examples.rows(indices, bare), self.network.padding_id),
            self._examples.gold[indices].astype(np.int32),
            self._soft_labels.rows(indices, bare),
            self._soft_labels.states[indices].astype(np.float32),
        )

    def loss(self, *inputs: Tensor) -> Tensor:
        """Return the weighted sum of the losses on soft labels, gold labels and states."""
        token_ids, gold, probabilities, states = inputs
        settings = self.settings
        outputs = self.network.outputs(token_ids, training=True, states=True)
        # The gradient is inversely proportional to the square of the temperature; the factor compensates for that.
        soft = settings.temperature**2 * tf.reduce_mean(
            tf.nn.softmax_cross_entropy_with_logits(probabilities, outputs.logits / settings.temperature)
        )
        hard = gold_loss(outputs.logits, gold, self._class_weights, settings.label_smoothing)
        loss = (1.0 - settings.gold_weight) * soft + settings.gold_weight * hard
        if settings.state_weight:
            loss += settings.state_weight * tf.reduce_mean(tf.square(outputs.hidden_states[-1][:, 0] - states))
        return loss
