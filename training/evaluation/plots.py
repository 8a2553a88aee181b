"""Plots of a bundle's confusion matrix and reliability diagram, as SVG and PNG."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stream.tweets.polarity import POLARITIES
from training.evaluation.evaluation import Evaluation

_KINDS = ("svg", "png")
_DARK = 0.5
"""Share of a row from which the text on its cell is white."""


def draw_plots(evaluation: Evaluation, name: str, folder: Path) -> list[Path]:
    """Write both plots into a folder, which is created if missing; return the files.

    Args:
        evaluation: Evaluation of the bundle.
        name: Prefix of the file names.
        folder: Folder for the files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    figures = {"confusion": _confusion(evaluation), "calibration": _calibration(evaluation)}
    files = []
    for what, figure in figures.items():
        for kind in _KINDS:
            files.append(folder / f"{name}-{what}.{kind}")
            figure.savefig(files[-1], dpi=150, metadata={"Date": None} if kind == "svg" else None)
    return files


def _confusion(evaluation: Evaluation) -> Figure:
    figure, axes = _figure(evaluation)
    confusion = evaluation.scores.confusion
    shares = confusion / confusion.sum(axis=1, keepdims=True).clip(min=1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(POLARITIES)), POLARITIES)
    axes.set_yticks(range(len(POLARITIES)), POLARITIES)
    axes.set_xlabel("predicted label")
    axes.set_ylabel("gold label")
    for row, column in ((row, column) for row in range(len(shares)) for column in range(len(shares))):
        share = shares[row, column]
        colour = "white" if share > _DARK else "black"
        axes.text(column, row, f"{confusion[row, column]:,}\n{share:.0%}", ha="center", va="center", color=colour)
    return figure


def _calibration(evaluation: Evaluation) -> Figure:
    figure, axes = _figure(evaluation)
    bins = evaluation.calibration
    axes.plot([0, 1], [0, 1], color="grey", linestyle="--", linewidth=1)
    sizes = 20 + 400 * bins.tweets / bins.tweets.sum()
    axes.plot(bins.confidence, bins.accuracy, color="tab:blue", linewidth=1)
    axes.scatter(bins.confidence, bins.accuracy, s=sizes, color="tab:blue", alpha=0.6)
    axes.set_xlabel("confidence")
    axes.set_ylabel("accuracy")
    axes.set_xlim(1 / len(POLARITIES), 1)
    axes.set_ylim(0, 1)
    axes.text(0.36, 0.93, f"ECE {bins.expected_error:.1%}")
    return figure


def _figure(evaluation: Evaluation) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(4.5, 4), layout="constrained")
    axes = figure.add_subplot()
    manifest = evaluation.manifest
    axes.set_title(f"{manifest.name}, {manifest.precision}: {len(evaluation.tweets):,} tweets", fontsize="medium")
    return figure, axes
