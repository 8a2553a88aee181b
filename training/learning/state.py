"""State of a stage in one file, from which the stage continues with bit-identical results."""

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
    """Progress of a stage, without the values of its variables."""

    step: int = 0
    """Number of finished steps."""
    best_scores: dict[str, Any] | None = None
    """Scores of the best evaluation on the dev set so far."""
    since_best: int = 0
    """Number of evaluations since the best one."""
    history: list[dict[str, float]] = field(default_factory=list)
    """Losses and scores with their steps."""
    recent_losses: list[float] = field(default_factory=list)
    """Losses since the last point in the history."""
    seconds: float = 0.0
    """Training time in seconds, without interruptions."""

    @property
    def best(self) -> float:
        """Best macro-recall on the dev set so far; -1 before the first evaluation."""
        return self.best_scores["macro_recall"] if self.best_scores else -1.0


def save_state(path: Path, state: State, variables: Sequence[Any]) -> None:
    """Write the state and all variables: weights, moments and averages.

    Raises:
        TrainingError: The file cannot be written.
    """
    arrays = {str(number): np.asarray(variable) for number, variable in enumerate(variables)}
    write_arrays(path, arrays, {"state": json.dumps(asdict(state))})


def load_state(path: Path, variables: Sequence[Any]) -> State:
    """Read a state and restore the variables; without a file, return the initial state.

    Raises:
        TrainingError: The file is damaged or belongs to another network.
    """
    if not path.exists():
        return State()
    try:
        with safe_open(path, framework="np") as file:
            for number, variable in enumerate(variables):
                variable.assign(file.get_tensor(str(number)))
            return State(**json.loads(file.metadata()["state"]))
    except (OSError, SafetensorError, ValueError, TypeError, KeyError) as error:
        raise TrainingError(f"cannot continue from {path}: {error}; remove it to restart the stage") from error
