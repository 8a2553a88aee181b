"""Losses and scores of a stage, as a JSON file and as curves."""

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from training.learning.files import replacing, write_text
from training.learning.state import State

_MEASURES = {"macro_recall": "macro-recall", "macro_f1": "macro-F1", "accuracy": "accuracy"}


def write_history(folder: Path, stage: str, state: State) -> None:
    """Write `history-STAGE.json`, `curves-STAGE.svg` and, if the stage was evaluated, `scores.json`.

    Raises:
        TrainingError: A file cannot be written.
    """
    history = {"steps": state.step, "seconds": round(state.seconds, 1), "points": state.history}
    write_text(folder / f"history-{stage}.json", json.dumps(history, indent=1) + "\n")
    if state.best_scores:
        write_text(folder / "scores.json", json.dumps(state.best_scores, indent=2) + "\n")
    mpl.rcParams["svg.hashsalt"] = "starling"  # equal curves result in equal files
    with replacing(folder / f"curves-{stage}.svg") as temporary:
        curves(state.history).savefig(temporary, format="svg", metadata={"Date": None})


def curves(history: list[dict[str, Any]]) -> Figure:
    """Plot the loss and, if there are any, the scores on the dev set, by step."""
    evaluated = [point for point in history if "macro_recall" in point]
    figure = Figure(figsize=(7, 5 if evaluated else 3), layout="constrained")
    loss, *below = figure.subplots(2 if evaluated else 1, sharex=True, squeeze=False)[:, 0]
    losses = [point for point in history if "loss" in point]
    loss.plot([point["step"] for point in losses], [point["loss"] for point in losses])
    loss.set_ylabel("loss")
    for axes in below:
        for name, label in _MEASURES.items():
            steps, values = [point["step"] for point in evaluated], [point[name] for point in evaluated]
            axes.plot(steps, values, marker="o", label=label)
        axes.set_ylabel("dev set")
        axes.legend()
    figure.axes[-1].set_xlabel("step")
    return figure
