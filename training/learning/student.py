"""Construction of a smaller network from some of the layers and feed-forward neurons of a larger one."""

import copy
import re

import numpy as np

from training.checkpoint import Array
from training.errors import RecipeError
from training.learning.network import Config
from training.learning.recipe import Student

_LAYER = re.compile(r"(.*\.encoder\.layer\.)(\d+)(\..*)")
_INNER_WEIGHT = "intermediate.dense.weight"


def make_student(config: Config, weights: dict[str, Array], student: Student) -> tuple[Config, dict[str, Array]]:
    """Make a student from a network.

    Args:
        config: Configuration of the network.
        weights: Weights of the network, by name.
        student: Layers and neurons to keep.

    Returns:
        Configuration and weights of the student.

    Raises:
        RecipeError: The network lacks layers or neurons that are to be kept.
    """
    config, weights = copy.deepcopy(config), dict(weights)
    if student.layers is not None:
        weights = _keep_layers(config.num_hidden_layers, weights, student.layers)
        config.num_hidden_layers = len(student.layers)
    if student.intermediate_size is not None:
        _keep_neurons(config.intermediate_size, weights, student.intermediate_size)
        config.intermediate_size = student.intermediate_size
    return config, weights


def _keep_layers(layers: int, weights: dict[str, Array], kept: list[int]) -> dict[str, Array]:
    if not kept or min(kept) < 0 or max(kept) >= layers:
        raise RecipeError(f"student.layers is {kept}, but the base has the layers 0 to {layers - 1}")
    fewer = {name: weight for name, weight in weights.items() if not _LAYER.fullmatch(name)}
    for number, layer in enumerate(kept):
        for name, weight in weights.items():
            if (match := _LAYER.fullmatch(name)) and int(match[2]) == layer:
                fewer[f"{match[1]}{number}{match[3]}"] = weight
    return fewer


def _keep_neurons(size: int, weights: dict[str, Array], kept: int) -> None:
    """Keep the feed-forward neurons with the largest input and output weights, in their order."""
    if kept > size:
        raise RecipeError(f"student.intermediate_size is {kept}, but the base has {size}")
    for inner in [name for name in weights if name.endswith(_INNER_WEIGHT)]:
        outer = inner.replace("intermediate", "output")
        strength = np.linalg.norm(weights[inner], axis=1) * np.linalg.norm(weights[outer], axis=0)
        neurons = np.sort(np.argsort(-strength, kind="stable")[:kept])
        bias = inner.replace("weight", "bias")
        weights[inner], weights[bias] = weights[inner][neurons], weights[bias][neurons]
        weights[outer] = np.ascontiguousarray(weights[outer][:, neurons])
