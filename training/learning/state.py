"""Where a stage stands, kept in one file, so that it goes on to the bit as if it had not been interrupted."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from training.errors import TrainingError
from training.learning.files import write_arrays


@dataclass
class State:
    """How far a stage has come, beside the values of its variables."""

    step: int = 0
    """Steps done."""
    best_scores: dict[str, Any] | None = None
    """Those of the best evaluation on the dev set so far."""
    since_best: int = 0
    """Evaluations since then."""
    history: list[dict[str, float]] = field(default_factory=list)
    """Losses and scores, each with its step."""
    recent_losses: list[float] = field(default_factory=list)
    """Those that are not in the history yet."""
    seconds: float = 0.0
    """How long it took, interruptions left out."""

    @property
    def best(self) -> float:
        """The best macro-recall on the dev set so far; below 0 before the first evaluation."""
        return self.best_scores["macro_recall"] if self.best_scores else -1.0


def save_state(path: Path, state: State, variables: Sequence[Any]) -> None:
    """Write the state and all variables: weights, moments, averages, generators.

    Raises:
        TrainingError: It cannot be written.
    """
    arrays = {str(number): np.asarray(variable) for number, variable in enumerate(variables)}
    write_arrays(path, arrays, {"state": json.dumps(asdict(state))})


def load_state(path: Path, variables: Sequence[Any]) -> State:
    """Read a state back, and give the variables the values they had; without a file, the state at the beginning.

    Raises:
        TrainingError: The file is damaged or was written for another network.
    """
    if not path.exists():
        return State()
    try:
        with safe_open(path, framework="np") as file:
            for number, variable in enumerate(variables):
                variable.assign(file.get_tensor(str(number)))
            return State(**json.loads(file.metadata()["state"]))
    except (OSError, SafetensorError, ValueError, TypeError, KeyError) as error:
        raise TrainingError(f"cannot go on from {path}: {error}; remove it to begin the stage anew") from error
