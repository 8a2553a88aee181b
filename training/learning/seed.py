"""Trains one seed of a run: its stages in order, each beginning with the checkpoint of the one before."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from training.about import About
from training.checkpoint import Array
from training.learning.checkpoint_folder import Trained, write_checkpoint
from training.learning.run_data import RunData
from training.learning.files import write_text
from training.learning.fine_tuning import FineTuning
from training.learning.network import Network, read_pretrained
from training.learning.recipe import Supervised
from training.learning.run import CHECKPOINT, Run
from training.learning.stage import StageRun, Watcher
from training.learning.state import State
from training.learning.task import Judge, Task
from training.learning.tweets import Examples, Reader, read_tokenizer

HISTORY_FILE = "history.json"


@dataclass(frozen=True)
class SeedRun:
    """One seed's part of a run."""

    run: Run
    data: RunData
    seed: int
    watcher: Watcher

    @property
    def folder(self) -> Path:
        """Where all of it lies."""
        return self.run.out / f"seed-{self.seed}"

    def train(self) -> Path:
        """Trains what is not trained yet.

        Returns:
            The folder of the checkpoint.

        Raises:
            StarlingError: Something cannot be used, written, or was interrupted.
        """
        checkpoint = self.folder / CHECKPOINT
        if checkpoint.exists():
            return checkpoint
        self._finetune(self.run.base(), checkpoint)
        return checkpoint

    def _finetune(self, begin: Path, out: Path) -> None:
        settings = self.run.recipe.finetune
        if settings is None:
            return
        make_repeatable(self.seed)
        config, weights = read_pretrained(begin)
        network = Network(config, weights, "classifier", str(begin))
        word_pieces = read_tokenizer(begin, self.run.recipe.max_tokens, config.vocab_size)
        reader = Reader(word_pieces, self.run.recipe.cleaning)
        labels = [config.id2label[column] for column in sorted(config.id2label)]
        examples, dev = (
            Examples(
                reader.token_ids([tweet.text for tweet in tweets]),
                np.array([labels.index(tweet.polarity) for tweet in tweets]),
            )
            for tweets in (self.data.labelled, self.data.dev)
        )
        task = FineTuning(network, settings, examples, self.seed)
        stage = StageRun(
            "finetune", task, Judge(network, dev), self.folder, self.watcher, self.run.checkpoint_steps
        )
        state = stage.run()
        write_text(self.folder / HISTORY_FILE, json.dumps({"finetune": state.history}, indent=1) + "\n")
        recipe = self.run.recipe
        about = About(
            name=recipe.name, base=recipe.base, licence=recipe.licence, max_tokens=recipe.max_tokens,
            cleaning=recipe.cleaning, training={"seed": self.seed, "seconds": state.seconds, "best": state.best},
        )
        write_checkpoint(out, Trained(config, stage.best_path, word_pieces, about))
        stage.state_path.unlink(missing_ok=True)
        stage.best_path.unlink()


def make_repeatable(seed: int) -> None:
    """Makes whatever TensorFlow draws and adds up from here on the same each time."""
    tf_keras.utils.set_random_seed(seed)
    tf_keras.backend.experimental.enable_tf_random_generator()  # of dropout: one whose state can be kept
    tf.config.experimental.enable_op_determinism()
