"""AdamW (Loshchilov and Hutter, 2019), its learning rate schedule, and moving averages of the weights."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from training.learning.recipe import Stage

Tensor = Any
Variable = Any
_LAYER = re.compile(r"/layer_\._(\d+)/")
_WITHOUT_DECAY = re.compile("bias|LayerNorm|gamma|beta")
_MEAN_DECAY, _SQUARE_DECAY, _EPSILON = 0.9, 0.999, 1e-7
"""Decays of the moving averages, and the number added to the root; those of Keras."""


def learning_rate(settings: Stage, step: int, steps: int) -> float:
    """Return the learning rate of a step, counted from 0: linear warm-up, then linear decay to 0."""
    warm_up_steps = settings.warm_up * steps
    if step < warm_up_steps:
        return settings.learning_rate * (step + 1) / (warm_up_steps + 1)
    return settings.learning_rate * (steps - step) / (steps - warm_up_steps)


def rate_share(variable_name: str, layers: int, decay: float) -> float:
    """Return the factor of a weight's learning rate: 1 for the head, multiplied by `decay` for each layer below."""
    if layer := _LAYER.search(variable_name):
        return decay ** (layers - int(layer[1]))
    return decay ** (layers + 1) if "/embeddings/" in variable_name else 1.0


def is_frozen(variable_name: str, frozen_layers: int) -> bool:
    """Return whether a weight belongs to the lowest `frozen_layers` layers or to the embeddings below them."""
    if layer := _LAYER.search(variable_name):
        return int(layer[1]) < frozen_layers
    return frozen_layers > 0 and "/embeddings/" in variable_name


class Optimiser:
    """AdamW over all weights, with a learning rate that may differ by layer.

    It is not Keras' own, which passes over the weights several times more; they are larger than the processor's caches.

    Args:
        variables: Weights.
        layers: Number of layers of the network.
        settings: Settings of the stage.
    """

    def __init__(self, variables: Sequence[Variable], layers: int, settings: Stage) -> None:
        self._weights = [
            _Weight(
                variable,
                tf.Variable(tf.zeros_like(variable), trainable=False),
                tf.Variable(tf.zeros_like(variable), trainable=False),
                rate_share(variable.name, layers, settings.layer_decay),
                0.0 if _WITHOUT_DECAY.search(variable.name) else settings.weight_decay,
            )
            for variable in variables
        ]
        self._steps = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._gradient_norm = settings.gradient_norm

    @property
    def variables(self) -> list[Variable]:
        """State of the optimiser."""
        return [self._steps, *(moment for weight in self._weights for moment in weight.moments)]

    def apply(self, gradients: Sequence[Tensor], rate: Tensor) -> None:
        """Update the weights with gradients in the order of `variables`."""
        # Gradients of embeddings are IndexedSlices with one slice per occurrence of a word in the batch.
        dense, _ = tf.clip_by_global_norm([tf.convert_to_tensor(one) for one in gradients], self._gradient_norm)
        steps = tf.cast(self._steps.assign_add(1), tf.float32)
        powers = tf.pow(_MEAN_DECAY, steps), tf.pow(_SQUARE_DECAY, steps)
        for weight, gradient in zip(self._weights, dense, strict=True):
            weight.update(gradient, rate * weight.rate_share, *powers)


@dataclass(frozen=True)
class _Weight:
    value: Variable
    mean: Variable
    """Moving average of the gradient."""
    square: Variable
    """Moving average of the squared gradient."""
    rate_share: float
    decay: float
    """Weight decay per step and unit of the learning rate."""

    @property
    def moments(self) -> tuple[Variable, Variable]:
        return self.mean, self.square

    def update(self, gradient: Tensor, rate: Tensor, mean_power: Tensor, square_power: Tensor) -> None:
        if self.decay:
            self.value.assign_sub(self.value * (rate * self.decay))
        tf.raw_ops.ResourceApplyAdam(
            var=self.value.handle,
            m=self.mean.handle,
            v=self.square.handle,
            beta1_power=mean_power,
            beta2_power=square_power,
            lr=rate,
            beta1=_MEAN_DECAY,
            beta2=_SQUARE_DECAY,
            epsilon=_EPSILON,
            grad=gradient,
        )


class WeightAverage:
    """Moving average of weights (Polyak and Juditsky, 1992), often better than the last weights.

    Args:
        variables: Weights.
        decay: Share of the average that remains in each step; less in the first steps, so that it adapts faster.
    """

    def __init__(self, variables: Sequence[Variable], decay: float) -> None:
        self._variables = variables
        self._decay = decay
        self.variables = [tf.Variable(variable, trainable=False) for variable in variables] if decay else []

    def update(self, step: Tensor) -> None:
        """Update the average after a step, counted from 0 as a float32."""
        decay = tf.minimum(self._decay, (1.0 + step) / (10.0 + step))
        for average, variable in zip(self.variables, self._variables, strict=False):
            average.assign(decay * average + (1.0 - decay) * variable)

    def swap(self) -> None:
        """Exchange weights and averages; without averaging, do nothing."""
        for average, variable in zip(self.variables, self._variables, strict=False):
            last = variable.numpy()
            variable.assign(average)
            average.assign(last)
