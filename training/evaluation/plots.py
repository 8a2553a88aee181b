"""Plots of a bundle's confusion matrix and reliability diagram, as SVG and PNG."""

from dataclasses import dataclass
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stream.model.bundle import Manifest
from stream.tweets.polarity import POLARITIES
from training.evaluation.calibration import Calibration
from training.evaluation.evaluation import Evaluation

_KINDS = ("svg", "png")
_DARK = 0.5
"""Share of a row from which the text on its cell is white."""


@dataclass(frozen=True)
class Diagram:
    """Content of a reliability diagram."""

    manifest: Manifest
    tweets: int
    calibration: Calibration
    uncalibrated: Calibration | None = None
    """Calibration of the same model without its calibration; None if it has none."""


def draw_plots(evaluation: Evaluation, name: str, folder: Path) -> list[Path]:
    """Write confusion matrix and reliability diagram into a folder, which is created if missing; return the files.

    Args:
        evaluation: Evaluation of the bundle.
        name: Prefix of the file names.
        folder: Folder for the files.
    """
    manifest, tweets = evaluation.manifest, len(evaluation.tweets)
    diagram = Diagram(manifest, tweets, evaluation.calibration, evaluation.uncalibrated)
    return [
        *_written(_confusion(evaluation), folder, f"{name}-confusion"),
        *draw_reliability(diagram, name, folder),
    ]


def draw_reliability(diagram: Diagram, name: str, folder: Path) -> list[Path]:
    """Write a reliability diagram into a folder, which is created if missing; return the files.

    Each point is a bin of confidences, its area the number of tweets. On the diagonal, confidence equals accuracy.

    Args:
        diagram: Content of the diagram.
        name: Prefix of the file names.
        folder: Folder for the files.
    """
    return _written(_reliability(diagram), folder, f"{name}-calibration")


def _written(figure: Figure, folder: Path, name: str) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{name}.{kind}" for kind in _KINDS]
    for file in files:
        is_svg = file.suffix == ".svg"
        with rc_context({"svg.hashsalt": name} if is_svg else {}):
            figure.savefig(file, dpi=150, metadata={"Date": None} if is_svg else None)
    return files


def _confusion(evaluation: Evaluation) -> Figure:
    figure, axes = _figure(evaluation.manifest, len(evaluation.tweets))
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


def _reliability(diagram: Diagram) -> Figure:
    figure, axes = _figure(diagram.manifest, diagram.tweets)
    axes.plot([0, 1], [0, 1], color="grey", linestyle="--", linewidth=1)
    if diagram.uncalibrated:
        _draw_bins(axes, diagram.uncalibrated, "tab:orange", "before calibration, ")
    _draw_bins(axes, diagram.calibration, "tab:blue", "after calibration, " if diagram.uncalibrated else "")
    axes.set_xlabel("confidence")
    axes.set_ylabel("accuracy")
    axes.set_xlim(1 / len(POLARITIES), 1)
    axes.set_ylim(0, 1)
    axes.legend(loc="upper left", frameon=False)
    return figure


def _draw_bins(axes: Axes, bins: Calibration, colour: str, description: str) -> None:
    sizes = 20 + 400 * bins.tweets / bins.tweets.sum()
    axes.plot(
        bins.confidence,
        bins.accuracy,
        color=colour,
        linewidth=1,
        label=f"{description}ECE {bins.expected_error:.1%}",
    )
    axes.scatter(bins.confidence, bins.accuracy, s=sizes, color=colour, alpha=0.6)


def _figure(manifest: Manifest, tweets: int) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(4.5, 4), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(f"{manifest.name}, {manifest.precision}: {tweets:,} tweets", fontsize="medium")
    return figure, axes
