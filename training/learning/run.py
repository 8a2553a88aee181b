"""A run: a recipe, its data and its seeds, in a folder that holds all that comes of them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stream.model.bundle import file_sha256
from stream.telemetry.machine import installed_versions
from training.checkpoint import WEIGHTS_FILE
from training.errors import TrainingError
from training.learning.files import write_text
from training.learning.pretrained import find_base
from training.learning.recipe import TEACHER, Recipe
from training.learning.run_data import DataFiles, RunData

RUN_FILE = "run.json"
ADAPTED, DISTILLED, CHECKPOINT = "adapted", "distilled", "checkpoint"
"""The folders of checkpoints that the stages make; the last stage's is always `checkpoint`."""
_PACKAGES = ("starling-edge", "tensorflow", "tf-keras", "transformers", "tokenizers", "safetensors", "numpy", "regex")


@dataclass(frozen=True)
class Run:
    """What is to be trained, and where."""

    recipe: Recipe
    files: DataFiles
    teachers: Sequence[Path]
    """Folders of checkpoints."""
    seeds: Sequence[int]
    out: Path
    checkpoint_steps: int = 500
    """Its state is kept after so many steps."""

    def base(self) -> Path:
        """The folder of the checkpoint to begin with.

        Raises:
            CheckpointError: There is none.
            TrainingError: It is to be the teacher, and there is no teacher.
        """
        if self.recipe.base != TEACHER:
            return find_base(self.recipe.base)
        if not self.teachers:
            raise TrainingError(f"the recipe {self.recipe.name} begins with its teacher: name one with --teacher")
        return self.teachers[0]

    def seed_folder(self, seed: int) -> Path:
        """Where all of a seed lies."""
        return self.out / f"seed-{seed}"

    def check(self) -> None:
        """Find what the recipe needs, before anything is written.

        Raises:
            CheckpointError: Its base cannot be had.
            TrainingError: Something else was not given; says what.
        """
        if self.recipe.adapt and not self.files.unlabelled:
            raise TrainingError(f"the recipe {self.recipe.name} adapts to tweets without labels: name --unlabelled")
        if self.recipe.distil and not self.teachers:
            raise TrainingError(f"the recipe {self.recipe.name} learns from a teacher: name one with --teacher")
        self.base()

    def open_folder(self, data: RunData) -> None:
        """Make the folder and say in it what the run is made of; takes up one that is of the same.

        Raises:
            TrainingError: The folder is of another run, or cannot be written.
        """
        wanted = self._made_of(data)
        path = self.out / RUN_FILE
        if not path.exists():
            if self.out.exists() and any(self.out.iterdir()):
                raise TrainingError(f"{self.out} is there already and is no run: name another folder with --out")
            write_text(path, json.dumps(wanted | {"versions": installed_versions(_PACKAGES)}, indent=2) + "\n")
            return
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise TrainingError(f"{path} cannot be read: {error}; name another folder with --out") from error
        if differing := [key for key in wanted if found.get(key) != wanted[key]]:
            raise TrainingError(
                f"{self.out} is a run with another {' and another '.join(differing)}: name another folder with --out, "
                "or remove it"
            )

    def _made_of(self, data: RunData) -> dict[str, Any]:
        teachers = [file_sha256(teacher / WEIGHTS_FILE) for teacher in self.teachers]
        return {"recipe": self.recipe.model_dump(mode="json"), **data.sources, "teachers": teachers}


def find_checkpoints(path: Path) -> list[Path]:
    """The checkpoints in a folder: itself, or those of all seeds if it is a run.

    Raises:
        TrainingError: There is none.
    """
    if (path / WEIGHTS_FILE).is_file():
        return [path]
    found = sorted(path.glob(f"seed-*/{CHECKPOINT}")) or sorted(path.glob(CHECKPOINT))
    if not found:
        raise TrainingError(f"{path} is neither a checkpoint nor a run with one: it holds no {WEIGHTS_FILE}")
    return found
