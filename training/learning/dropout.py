"""Dropout whose masks depend only on a seed and the training step, so that a resumed run draws the same masks.

The generators of Keras' own dropout layers are not part of its checkpoints.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf
import tf_keras

Tensor = Any


class StatelessDropout(tf_keras.layers.Layer):  # type: ignore[misc]  # Keras has no type annotations
    """Dropout with masks drawn from a seed.

    Args:
        rate: Share of the values that are set to 0.
        seed: Returns two integers, different in each training step. A function, because Keras would count a variable
            among the weights.
        number: Number of the layer; layers with different numbers draw different masks.
    """

    def __init__(self, rate: float, seed: Callable[[], Tensor], number: int) -> None:
        super().__init__()
        self.rate = rate
        self._seed = seed
        self._number = number

    def call(self, inputs: Tensor, *, training: bool | None = None) -> Tensor:
        """Apply dropout in training; return the inputs unchanged otherwise."""
        if not training or not self.rate:
            return inputs
        # Multiplied by a large prime, so that seeds and numbers of layers do not add up to the same value.
        seed = self._seed() + tf.constant([self._number * 1_000_003, 0], tf.int64)
        return tf.nn.experimental.stateless_dropout(inputs, self.rate, seed=seed)


def use_stateless_dropout(model: Any, seed: Tensor) -> None:  # noqa: ANN401 - Keras has no type annotations
    """Replace all dropout layers of a model.

    Args:
        model: Keras model.
        seed: Variable with two integers, shared by all layers.
    """
    number = 0
    for module in (model, *model.submodules):
        for name, layer in list(vars(module).items()):
            if isinstance(layer, tf_keras.layers.Dropout):
                setattr(module, name, StatelessDropout(layer.rate, lambda: seed, number))
                number += 1
