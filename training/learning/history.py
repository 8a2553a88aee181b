"""How a stage went: its losses and scores in a file, and as curves."""

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from training.learning.files import replacing, write_text
from training.learning.state import State

_MEASURES = {"macro_recall": "macro-recall", "macro_f1": "macro-F1", "accuracy": "accuracy"}


def write_history(folder: Path, stage: str, state: State) -> None:
    """Write `history-STAGE.json`, `curves-STAGE.svg` and, where it was judged, `scores.json`.

    Raises:
        TrainingError: They cannot be written.
    """
    history = {"steps": state.step, "seconds": round(state.seconds, 1), "points": state.history}
    write_text(folder / f"history-{stage}.json", json.dumps(history, indent=1) + "\n")
    if state.best_scores:
        write_text(folder / "scores.json", json.dumps(state.best_scores, indent=2) + "\n")
    mpl.rcParams["svg.hashsalt"] = "starling"  # the same curves make the same file
    with replacing(folder / f"curves-{stage}.svg") as temporary:
        curves(state.history).savefig(temporary, format="svg", metadata={"Date": None})


def curves(history: list[dict[str, Any]]) -> Figure:
    """Draw the loss, and below it the scores on the dev set where there are any, by step."""
    judged = [point for point in history if "macro_recall" in point]
    figure = Figure(figsize=(7, 5 if judged else 3), layout="constrained")
    loss, *below = figure.subplots(2 if judged else 1, sharex=True, squeeze=False)[:, 0]
    learned = [point for point in history if "loss" in point]
    loss.plot([point["step"] for point in learned], [point["loss"] for point in learned])
    loss.set_ylabel("loss")
    for axes in below:
        for name, label in _MEASURES.items():
            axes.plot([point["step"] for point in judged], [point[name] for point in judged], marker="o", label=label)
        axes.set_ylabel("on the dev set")
        axes.legend()
    figure.axes[-1].set_xlabel("step")
    return figure
