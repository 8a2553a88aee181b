"""Writes what a stage made as a checkpoint that `starling convert`, transformers and the next stage can read."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer as WordPieces

from stream.model.bundle import TOKENIZER_FILE
from training.about import ABOUT_FILE, About, write_about
from training.checkpoint import CONFIG_FILE, WEIGHTS_FILE
from training.learning.files import replacing


@dataclass(frozen=True)
class TrainedModel:
    """A network that was trained, and what goes with it."""

    config: Any
    """transformers' configuration."""
    weights_path: Path
    """Its weights in a file of their own."""
    word_pieces: WordPieces
    about: About


def write_checkpoint(folder: Path, trained: TrainedModel) -> None:
    """Write the folder, complete or not at all, and take the file of the weights into it.

    Raises:
        TrainingError: It cannot be written.
    """
    with replacing(folder) as temporary:
        temporary.mkdir()
        config = trained.config.to_dict() | {"dtype": "float32"}
        (temporary / CONFIG_FILE).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        trained.word_pieces.save(str(temporary / TOKENIZER_FILE), pretty=False)
        write_about(temporary / ABOUT_FILE, trained.about)
        # Copied, not moved: if this fails, the stage's weights are still there.
        shutil.copyfile(trained.weights_path, temporary / WEIGHTS_FILE)
