"""The picture that the paper lacks: accuracy against speed and against energy, and what no other choice beats."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture
from matplotlib.lines import Line2D

from training.report.document import Figure
from training.report.figures.style import (
    FULL_WIDTH_INCHES,
    MARKERS,
    colour,
    group_name,
    groups,
    in_words,
    known,
    label,
    legend_in_lines,
    save,
    styled,
)
from training.report.quantities import Quantity
from training.report.rows import Row
from training.report.tables import accuracy_interval

Q = Quantity
_WANTED = ((Q.TWEETS_PER_SECOND, 1), (Q.ACCURACY, 1), (Q.JOULES_PER_TWEET, -1))
"""What is better when high (1) or low (-1)."""


def pareto_front(rows: Sequence[Row]) -> list[Row]:
    """The rows that none other beats: at least as good in all that every row knows, and better in something."""
    wanted = [(quantity, sign) for quantity, sign in _WANTED if len(known(rows, quantity)) == len(rows)]
    scores = [[sign * (row.mean(quantity) or 0.0) for quantity, sign in wanted] for row in rows]
    return [row for row, score in zip(rows, scores, strict=True) if not any(_beats(other, score) for other in scores)]


def tradeoff(rows: Sequence[Row], folder: Path, name: str, title: str) -> Figure | None:
    """Draw accuracy against tweets a second, and against joules a tweet where that was measured, else CPU time."""
    shown = known(known(rows, Q.ACCURACY), Q.TWEETS_PER_SECOND)
    if not shown:
        return None
    cost = Q.JOULES_PER_TWEET if known(shown, Q.JOULES_PER_TWEET) else Q.PROCESS_CPU_PER_TWEET
    front = pareto_front(shown)
    with styled():
        picture = Picture(figsize=(FULL_WIDTH_INCHES, 3.3), layout="constrained")
        left, right = picture.subplots(1, 2, sharey=True)
        for axes, quantity, letter in ((left, Q.TWEETS_PER_SECOND, "a"), (right, cost, "b")):
            _draw(axes, known(shown, quantity), quantity, front)
            axes.set_title(f"{letter}  Accuracy against {_WORDS[quantity]}")
        left.set_ylabel(Q.ACCURACY.manner.axis)
        legend_in_lines(picture, "outside lower center", *_handles(shown))
        return save(picture, folder, name, title, _alternative(shown, front, cost))


_WORDS = {
    Q.TWEETS_PER_SECOND: "speed (right is better)",
    Q.JOULES_PER_TWEET: "energy (left is better)",
    Q.PROCESS_CPU_PER_TWEET: "CPU time (left is better)",
}


def _beats(one: Sequence[float], other: Sequence[float]) -> bool:
    return all(a >= b for a, b in zip(one, other, strict=True)) and any(a > b for a, b in zip(one, other, strict=True))


def _draw(axes: Axes, rows: Sequence[Row], quantity: Quantity, front: Sequence[Row]) -> None:
    names = groups(rows)
    for row in rows:
        across = row.values[quantity]
        scale, accuracy = quantity.manner.scale, 100 * row.values[Q.ACCURACY].mean
        axes.errorbar(
            across.mean * scale,
            accuracy,
            xerr=(across.deviation or 0) * scale,
            yerr=_accuracy_whiskers(row),
            fmt=MARKERS[names.index(group_name(row, rows)) % len(MARKERS)],
            color=colour(row),
            ms=7,
            mec="black",
            mew=0.6,
            elinewidth=0.7,
            capsize=2,
            ecolor="#444444",
            zorder=3,
        )
        if row in front:
            axes.plot(across.mean * scale, accuracy, "o", ms=14, mfc="none", mec="black", mew=0.9, zorder=2)
    axes.set_xlabel(quantity.manner.axis)
    axes.set_xlim(left=0)
    axes.grid(visible=True, axis="both")
    axes.margins(x=0.15, y=0.25)


def _accuracy_whiskers(row: Row) -> list[list[float]] | None:
    """How far below and above the interval reaches, in percentage points; None of a row whose tweets are not known."""
    interval, accuracy = accuracy_interval(row), row.mean(Q.ACCURACY)
    if interval is None or accuracy is None:
        return None
    low, high = interval
    return [[100 * (accuracy - low)], [100 * (high - accuracy)]]


def _handles(rows: Sequence[Row]) -> tuple[list[Line2D], list[Line2D]]:
    precisions = {label(row): row for row in rows}
    by_colour = [_handle("s", colour(row), f"{name} weights") for name, row in precisions.items()]
    names = [name.replace("\n", ", ") for name in groups(rows)]
    by_marker = [_handle(MARKERS[number % len(MARKERS)], "white", name) for number, name in enumerate(names)]
    ring = Line2D([], [], ls="", marker="o", ms=11, mfc="none", mec="black", mew=0.9, label="no other choice beats it")
    return [*by_colour, ring], by_marker


def _handle(marker: str, fill: str, text: str) -> Line2D:
    return Line2D([], [], ls="", marker=marker, ms=6, mfc=fill, mec="black", mew=0.6, label=text)


def _alternative(rows: Sequence[Row], front: Sequence[Row], cost: Quantity) -> str:
    said = [
        f"{in_words(row, rows)}: accuracy {row.mean(Q.ACCURACY) or 0:.1%}, "
        f"{row.mean(Q.TWEETS_PER_SECOND) or 0:.3g} tweets/s, {_cost_in_words(row, cost)}"
        + (", not beaten by any" if row in front else "")
        for row in rows
    ]
    return "Trade-off: " + "; ".join(said)


def _cost_in_words(row: Row, cost: Quantity) -> str:
    value = row.mean(cost)
    return "cost not known" if value is None else f"{value * cost.manner.scale:.3g} {cost.manner.unit}"
