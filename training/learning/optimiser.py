"""AdamW (Loshchilov and Hutter, 2019), its learning rate schedule, and moving averages of the weights."""

import re
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import tensorflow as tf
import tf_keras

from training.learning.recipe import Stage

Tensor = Any
Variable = Any
KerasOptimizer = Any
_WITHOUT_DECAY = ["bias", "LayerNorm", "gamma", "beta"]


def learning_rate(settings: Stage, step: int, steps: int) -> float:
    """Return the learning rate of a step, counted from 0: linear warm-up, then linear decay to 0."""
    warm_up_steps = settings.warm_up * steps
    if step < warm_up_steps:
        return settings.learning_rate * (step + 1) / (warm_up_steps + 1)
    return settings.learning_rate * (steps - step) / (steps - warm_up_steps)


def rate_share(variable_name: str, layers: int, decay: float) -> float:
    """Return the factor of a weight's learning rate: 1 for the head, multiplied by `decay` for each layer below."""
    if layer := re.search(r"/layer_\._(\d+)/", variable_name):
        return decay ** (layers - int(layer[1]))
    return decay ** (layers + 1) if "/embeddings/" in variable_name else 1.0


class Optimiser:
    """AdamW over all weights, with one optimiser for each layer-wise learning rate.

    Args:
        variables: Weights.
        layers: Number of layers of the network.
        settings: Settings of the stage.
    """

    def __init__(self, variables: Sequence[Variable], layers: int, settings: Stage) -> None:
        self._variables = variables
        self._gradient_norm = settings.gradient_norm

        def share(index: int) -> float:
            return rate_share(variables[index].name, layers, settings.layer_decay)

        by_share = groupby(sorted(range(len(variables)), key=share), key=share)
        self._groups = [(share, list(indices)) for share, indices in by_share]
        self._optimisers = [self._adamw([variables[index] for index in group], settings) for _, group in self._groups]

    @property
    def variables(self) -> list[Variable]:
        """State of the optimiser."""
        return [variable for optimiser in self._optimisers for variable in optimiser.variables]

    def apply(self, gradients: Sequence[Tensor], rate: Tensor) -> None:
        """Update the weights with gradients in the order of `variables`."""
        gradients, _ = tf.clip_by_global_norm(gradients, self._gradient_norm)
        for optimiser, (share, group) in zip(self._optimisers, self._groups, strict=True):
            optimiser.learning_rate = rate * share
            optimiser.apply_gradients([(gradients[index], self._variables[index]) for index in group])

    @staticmethod
    def _adamw(variables: Sequence[Variable], settings: Stage) -> KerasOptimizer:
        optimiser = tf_keras.optimizers.AdamW(weight_decay=settings.weight_decay, jit_compile=False)
        optimiser.exclude_from_weight_decay(var_names=_WITHOUT_DECAY)
        optimiser.build(variables)
        return optimiser


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
