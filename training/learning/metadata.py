"""Metadata of a trained checkpoint, for its `about.toml`."""

from pathlib import Path
from typing import Any

from training.about import ABOUT_FILE, About, read_about
from training.learning.recipe import TEACHER, Stage, Supervised
from training.learning.run import Run
from training.learning.run_data import RunData
from training.learning.state import State


def describe(run: Run, data: RunData, settings: Stage, seed: int, state: State) -> About:
    """Return the metadata of a stage's checkpoint."""
    recipe = run.recipe
    training: dict[str, Any] = {
        "recipe": recipe.name,
        "seed": seed,
        "data": [source.split()[0] for source in data.sources["data"]],
        "labelled_tweets": len(data.labelled),
        "unlabelled_tweets": len(data.unlabelled),
        "steps": state.step,
        "seconds": round(state.seconds),
        "stages": {name: stage.model_dump(mode="json") for name, stage in recipe.stages.items()},
    }
    if recipe.student:
        training["student"] = recipe.student.model_dump(mode="json", exclude_none=True)
    if run.teachers:
        training["teachers"] = [_described(read_about(teacher / ABOUT_FILE)) for teacher in run.teachers]
    if recipe.entity:
        training["entity_dropout"] = recipe.entity_dropout
    if data.distilled:
        training["soft_labels"] = [source.split()[0] for source in data.sources["soft_labels"]]
        training["soft_labelled_tweets"] = len(data.distilled.probabilities) - data.distilled.gold_alone
    if data.copies:
        training["repetitions"] = data.sources["repetitions"]
    if isinstance(settings, Supervised) and state.best_scores:
        scores = {name: state.best_scores[name] for name in ("macro_recall", "macro_f1", "accuracy")}
        training["dev"] = {"data": run.files.dev.name, **scores}
        if bare := state.best_scores.get("without_entity"):
            training["dev"]["without_entity"] = {name: bare[name] for name in scores}
    return About(
        name=recipe.name,
        base=_pretrained(run),
        licence=recipe.licence,
        max_tokens=recipe.max_tokens,
        cleaning=recipe.cleaning,
        entity=recipe.entity,
        training=training,
    )


def _described(teacher: About) -> str:
    return f"{teacher.name}, of {teacher.base}, {teacher.licence}"


def _pretrained(run: Run) -> str:
    """Return the name of the pretrained model, also if the base is a checkpoint that was trained from it."""
    base = run.recipe.base
    folder = run.teachers[0] if base == TEACHER else Path(base).expanduser()
    return read_about(folder / ABOUT_FILE).base if (folder / ABOUT_FILE).is_file() else base
