"""Average of the weights of all seeds of a run, with its scores on the dev set."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from training.about import ABOUT_FILE, read_about
from training.averaging import mean_weights
from training.learning.files import write_arrays, write_text
from training.learning.initial_model import InitialModel
from training.learning.run import CHECKPOINT, Run
from training.learning.run_data import RunData
from training.learning.task import Evaluator
from training.learning.trained_model import TrainedModel, write_checkpoint

AVERAGED = "averaged"
SCORES_FILE = "scores.json"


def average_seeds(run: Run, data: RunData) -> dict[str, Any]:
    """Write the average of all seeds to `averaged/checkpoint`, and score it on the dev set.

    All seeds must be trained, from the same initial weights.

    Returns:
        Scores of the average.

    Raises:
        StarlingError: A checkpoint cannot be read, or the average cannot be written.
    """
    checkpoints = [run.seed_folder(seed) / CHECKPOINT for seed in run.seeds]
    read = [InitialModel.read(checkpoint, run.recipe, student=None) for checkpoint in checkpoints]
    averaged = replace(read[0], folder=run.out / AVERAGED, weights=mean_weights([one.weights for one in read]))
    network = averaged.network("classifier")
    scores = Evaluator(network, averaged.examples(data.dev)).scores().as_json()
    weights_path = run.out / AVERAGED / "weights.safetensors"
    write_arrays(weights_path, network.weights(), {"format": "pt"})
    write_checkpoint(averaged.folder / CHECKPOINT, _trained(run, averaged, weights_path, scores))
    weights_path.unlink()
    write_text(averaged.folder / SCORES_FILE, json.dumps(scores, indent=2) + "\n")
    return scores


def _trained(run: Run, averaged: InitialModel, weights_path: Path, scores: dict[str, Any]) -> TrainedModel:
    about = read_about(run.seed_folder(run.seeds[0]) / CHECKPOINT / ABOUT_FILE)
    training = {
        name: value for name, value in about.training.items() if name not in {"seed", "dev", "steps", "seconds"}
    }
    dev = {"data": run.files.dev.name} | {name: scores[name] for name in ("macro_recall", "macro_f1", "accuracy")}
    described = about.model_copy(update={"training": training | {"averaged_seeds": list(run.seeds), "dev": dev}})
    return TrainedModel(averaged.config, weights_path, averaged.tokenizer.word_pieces, described)
