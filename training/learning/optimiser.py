"""AdamW (Loshchilov and Hutter, 2019), its rate through a stage, and running averages of the weights."""

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
    """The rate of a step, counted from 0: up to its highest, then down to nothing."""
    warm_up_steps = settings.warm_up * steps
    if step < warm_up_steps:
        return settings.learning_rate * (step + 1) / (warm_up_steps + 1)
    return settings.learning_rate * (steps - step) / (steps - warm_up_steps)


def rate_share(variable_name: str, layers: int, decay: float) -> float:
    """The share of the rate that a weight learns with: the head all of it, each layer below less by `decay`."""
    if layer := re.search(r"/layer_\._(\d+)/", variable_name):
        return decay ** (layers - int(layer[1]))
    return decay ** (layers + 1) if "/embeddings/" in variable_name else 1.0


class Optimiser:
    """AdamW over all weights, layer by layer where their rates differ.

    Args:
        variables: The weights.
        layers: How many layers the network has.
        settings: The stage's.
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
        """What it remembers from step to step."""
        return [variable for optimiser in self._optimisers for variable in optimiser.variables]

    def apply(self, gradients: Sequence[Tensor], rate: Tensor) -> None:
        """Make a step, at a rate, along the gradients of the weights in the order they were given."""
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
    """The running average of weights (Polyak and Juditsky, 1992), which often does better than the last ones.

    Args:
        variables: The weights.
        kept: How much of the average each step keeps; less in the first steps, in which it would stand still.
    """

    def __init__(self, variables: Sequence[Variable], kept: float) -> None:
        self._variables = variables
        self._kept = kept
        self.variables = [tf.Variable(variable, trainable=False) for variable in variables] if kept else []

    def update(self, step: Tensor) -> None:
        """Take in the weights after a step, counted from 0 as a float32."""
        kept = tf.minimum(self._kept, (1.0 + step) / (10.0 + step))
        for average, variable in zip(self.variables, self._variables, strict=False):
            average.assign(kept * average + (1.0 - kept) * variable)

    def swap(self) -> None:
        """Put the averages in the place of the weights, or takes them out again; without averaging, does nothing."""
        for average, variable in zip(self.variables, self._variables, strict=False):
            last = variable.numpy()
            variable.assign(average)
            average.assign(last)
