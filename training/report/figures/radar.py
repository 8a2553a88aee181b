"""The radar comparison, figure 6 of the paper: for each device, its precisions against each other."""

import math
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture
from matplotlib.lines import Line2D

from training.report.document import Figure
from training.report.figures.style import (
    COLOURS,
    FULL_WIDTH_INCHES,
    GREY,
    colour,
    groups,
    in_group,
    in_words,
    known,
    label,
    save,
    styled,
)
from training.report.quantities import Quantity
from training.report.rows import Row

Q = Quantity
_HIGH_IS_GOOD = {Q.ACCURACY: "accuracy", Q.MACRO_F1: "macro-F1", Q.TWEETS_PER_SECOND: "tweets/s"}
_LOW_IS_GOOD = {
    Q.FILE_BYTES: "small file",
    Q.PROCESS_BYTES: "little memory",
    Q.PROCESS_CPU_PER_TWEET: "little CPU",
    Q.JOULES_PER_TWEET: "little energy",
}
_SPOKES = _HIGH_IS_GOOD | _LOW_IS_GOOD
_FEWEST_SPOKES = 3
_LINES = {"float32": "-", "float16": "--", "int8": "-."}
_IN_A_LINE = 3


def radar(rows: Sequence[Row], folder: Path, file: str, title: str) -> Figure | None:
    """Draw a radar for each device that was measured, every spoke a share of the best there is on any device."""
    ours = [row for row in rows if all(row.mean(quantity) is not None for quantity in _spokes(rows))]
    spokes = _spokes(rows)
    if len(spokes) < _FEWEST_SPOKES or not ours:
        return None
    names = groups(ours)
    columns = min(_IN_A_LINE, len(names))
    lines = math.ceil(len(names) / columns)
    with styled():
        size = (
            FULL_WIDTH_INCHES if columns > 1 else FULL_WIDTH_INCHES / 1.8,
            0.4 + (2.5 if columns > 1 else 3.0) * lines,
        )
        picture = Picture(figsize=size, layout="constrained")
        grid = picture.subplots(lines, columns, squeeze=False, subplot_kw={"projection": "polar"}).ravel()
        for axes, name in zip(grid, names, strict=False):
            _draw(axes, in_group(name, ours), ours, spokes)
            axes.set_title(name, pad=10, loc="center")
        for axes in grid[len(names) :]:
            axes.set_visible(False)
        handles = [Line2D([], [], color=colour(row), ls=_line(row), label=label(row)) for row in _by_precision(ours)]
        picture.legend(handles=handles, loc="outside lower center", ncols=len(handles))
        return save(picture, folder, file, title, _alternative(ours, spokes))


def _spokes(rows: Sequence[Row]) -> list[Quantity]:
    """What every measured row has."""
    measured = [row for row in rows if not row.from_paper]
    return [quantity for quantity in _SPOKES if measured and len(known(measured, quantity)) == len(measured)]


def share_of_best(row: Row, rows: Sequence[Row], quantity: Quantity) -> float:
    """How near a row comes to the best of all, from 0 to 1, whichever way is good."""
    value = row.mean(quantity) or 0.0
    values = [each.mean(quantity) or 0.0 for each in rows]
    if quantity in _HIGH_IS_GOOD:
        return value / max(values) if max(values) else 0.0
    return min(values) / value if value else 0.0


def _draw(axes: Axes, rows: Sequence[Row], best_of: Sequence[Row], spokes: Sequence[Quantity]) -> None:
    angles = [2 * math.pi * number / len(spokes) for number in range(len(spokes))]
    for row in rows:
        shares = [share_of_best(row, best_of, quantity) for quantity in spokes]
        axes.plot([*angles, angles[0]], [*shares, shares[0]], color=colour(row), ls=_line(row), lw=1.6)
        axes.fill(angles, shares, color=colour(row), alpha=0.08)
    axes.set_xticks(angles, [_SPOKES[quantity].replace(" ", "\n") for quantity in spokes])
    axes.tick_params(axis="x", pad=6)
    axes.set_yticks([0.25, 0.5, 0.75, 1.0], ["", "½", "", "best"], color=GREY, fontsize=6.5)
    axes.set_ylim(0, 1.05)
    axes.grid(visible=True, color="#cccccc", linewidth=0.6)
    axes.spines["polar"].set_visible(False)


def _line(row: Row) -> str:
    return _LINES.get(row.precision, ":")


def _by_precision(rows: Sequence[Row]) -> list[Row]:
    order = list(COLOURS)
    found = {row.precision: row for row in rows}
    return sorted(found.values(), key=lambda row: order.index(row.precision) if row.precision in order else len(order))


def _alternative(rows: Sequence[Row], spokes: Sequence[Quantity]) -> str:
    said = [
        f"{in_words(row, rows)}: "
        + ", ".join(f"{_SPOKES[quantity]} {share_of_best(row, rows, quantity):.0%}" for quantity in spokes)
        for row in rows
    ]
    return "Radar, shares of the best: " + "; ".join(said)
