"""Writing of a trained network as a checkpoint for `starling convert`, transformers and the next stage."""

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
    """Trained network with its tokeniser and metadata."""

    config: Any
    """Configuration of transformers."""
    weights_path: Path
    """File with the weights."""
    word_pieces: WordPieces
    about: About


def write_checkpoint(folder: Path, trained: TrainedModel) -> None:
    """Write the folder of a checkpoint, complete or not at all.

    Raises:
        TrainingError: The folder cannot be written.
    """
    with replacing(folder) as temporary:
        temporary.mkdir()
        config = trained.config.to_dict() | {"dtype": "float32"}
        (temporary / CONFIG_FILE).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        trained.word_pieces.save(str(temporary / TOKENIZER_FILE), pretty=False)
        write_about(temporary / ABOUT_FILE, trained.about)
        # Copied, not moved, so that the weights of the stage remain if this fails.
        shutil.copyfile(trained.weights_path, temporary / WEIGHTS_FILE)
