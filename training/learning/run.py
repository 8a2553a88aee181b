"""Training runs: a recipe, data and seeds, with a folder for all results."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stream.model.bundle import file_sha256
from stream.telemetry.machine import installed_versions
from training.checkpoint import WEIGHTS_FILE
from training.errors import RecipeError, TrainingError
from training.learning.files import write_text
from training.learning.pretrained import find_base
from training.learning.recipe import TEACHER, Recipe
from training.learning.run_data import DataFiles, RunData

RUN_FILE = "run.json"
ADAPTED, DISTILLED, CHECKPOINT = "adapted", "distilled", "checkpoint"
"""Folders of the stages' checkpoints; the folder of the last stage is always `checkpoint`."""
_PACKAGES = ("starling-edge", "tensorflow", "tf-keras", "transformers", "tokenizers", "safetensors", "numpy", "regex")


@dataclass(frozen=True)
class Run:
    """A recipe with data, teachers and seeds, and the folder of the results."""

    recipe: Recipe
    files: DataFiles
    teachers: Sequence[Path]
    """Folders of the teachers' checkpoints."""
    seeds: Sequence[int]
    out: Path
    checkpoint_steps: int = 200
    """Number of steps between two saves of the state."""

    def base(self) -> Path:
        """Return the folder of the base checkpoint.

        Raises:
            CheckpointError: The checkpoint does not exist.
            TrainingError: The base is the teacher, but no teacher was given.
        """
        if self.recipe.base != TEACHER:
            return find_base(self.recipe.base)
        if not self.teachers:
            raise TrainingError(f"the base of the recipe {self.recipe.name} is a teacher: give one with --teacher")
        return self.teachers[0]

    def seed_folder(self, seed: int) -> Path:
        """Return the folder of a seed's results."""
        return self.out / f"seed-{seed}"

    def check(self) -> None:
        """Check that everything the recipe needs is available, before anything is written.

        Raises:
            CheckpointError: The base checkpoint does not exist.
            RecipeError: The recipe does not work with these options.
            TrainingError: A needed option was not given; the message says which.
        """
        if self.recipe.adapt and not self.files.unlabelled:
            raise TrainingError(f"the recipe {self.recipe.name} adapts to unlabelled tweets: give --unlabelled")
        self._check_teachers()
        self.base()

    def _check_teachers(self) -> None:
        distil, soft_labels = self.recipe.distil, self.files.soft_labels
        if not distil:
            if soft_labels:
                raise TrainingError(f"the recipe {self.recipe.name} has no [distil], which --soft-labels is for")
            return
        if not (self.teachers or soft_labels):
            raise TrainingError(
                f"the recipe {self.recipe.name} distils from a teacher: give one with --teacher, or its soft labels "
                "with --soft-labels"
            )
        if self.teachers and soft_labels:
            raise TrainingError("give --teacher or --soft-labels, not both")
        if soft_labels and distil.state_weight:
            raise RecipeError("distil.state_weight needs a teacher: set it to 0, or give --teacher, not --soft-labels")

    def open_folder(self, data: RunData) -> None:
        """Create the folder with a description of the run, or continue in the folder of an equal run.

        Raises:
            TrainingError: The folder belongs to another run, or cannot be written.
        """
        description = self._description(data)
        path = self.out / RUN_FILE
        if not path.exists():
            if self.out.exists() and any(self.out.iterdir()):
                raise TrainingError(f"{self.out} exists already and is not a run: give another folder with --out")
            write_text(path, json.dumps(description | {"versions": installed_versions(_PACKAGES)}, indent=2) + "\n")
            return
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise TrainingError(f"cannot read {path}: {error}; give another folder with --out") from error
        if differing := [key for key in description if found.get(key) != description[key]]:
            raise TrainingError(
                f"{self.out} is a run with different {' and '.join(differing)}: give another folder with --out, or "
                "remove it"
            )

    def _description(self, data: RunData) -> dict[str, Any]:
        teachers = [file_sha256(teacher / WEIGHTS_FILE) for teacher in self.teachers]
        return {"recipe": self.recipe.model_dump(mode="json"), **data.sources, "teachers": teachers}


def find_checkpoints(path: Path) -> list[Path]:
    """Return the checkpoints in a folder: itself, or those of all seeds if it is a run.

    Raises:
        TrainingError: The folder contains no checkpoint.
    """
    if (path / WEIGHTS_FILE).is_file():
        return [path]
    found = sorted(path.glob(f"seed-*/{CHECKPOINT}")) or sorted(path.glob(CHECKPOINT))
    if not found:
        raise TrainingError(f"{path} is neither a checkpoint nor a run with one: it contains no {WEIGHTS_FILE}")
    return found
