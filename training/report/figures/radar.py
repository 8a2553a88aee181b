"""The radar comparison, figure 6 of the paper: the precisions of each device against each other."""

import math
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill

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
_LINES = {"float32": ("-", 3.4), "float16": ("--", 2.2), "int8": ("-", 1.1)}
"""Style and width: where lines coincide, the wider one behind stays visible."""
_IN_A_LINE = 3
_NAME_CHARACTERS = 26


def radar(rows: Sequence[Row], folder: Path, file: str, title: str) -> Figure | None:
    """Draw a radar for each measured device; every spoke is the share of the best value on any device."""
    spokes = _spokes(rows)
    ours = [row for row in rows if all(row.mean(quantity) is not None for quantity in spokes)]
    if len(spokes) < _FEWEST_SPOKES or not ours:
        return None
    names = groups(ours)
    columns = min(_IN_A_LINE, len(names))
    lines = math.ceil(len(names) / columns)
    with styled():
        width = FULL_WIDTH_INCHES if columns > 1 else FULL_WIDTH_INCHES / 1.8
        picture = Picture(figsize=(width, 0.4 + 2.5 * lines), layout="constrained")
        grid = picture.subplots(lines, columns, squeeze=False, subplot_kw={"projection": "polar"}).ravel()
        for axes, name in zip(grid, names, strict=False):
            _draw(axes, in_group(name, ours), ours, spokes)
            axes.set_title(fill(name, _NAME_CHARACTERS), pad=18, loc="center")
        for axes in grid[len(names) :]:
            axes.set_visible(False)
        handles = [
            Line2D([], [], color=colour(row), ls=_line(row)[0], lw=_line(row)[1], label=label(row))
            for row in _by_precision(ours)
        ]
        picture.legend(handles=handles, loc="outside lower center", ncols=len(handles))
        return save(picture, folder, file, title, _alternative(ours, spokes))


def _spokes(rows: Sequence[Row]) -> list[Quantity]:
    """Return the quantities that every measured row has."""
    measured = [row for row in rows if not row.from_paper and row.has_scores]
    return [quantity for quantity in _SPOKES if measured and len(known(measured, quantity)) == len(measured)]


def share_of_best(row: Row, rows: Sequence[Row], quantity: Quantity) -> float:
    """Return how near a row comes to the best of all, from 0 to 1."""
    return _share(row.mean(quantity) or 0.0, rows, quantity)


def share_band(row: Row, rows: Sequence[Row], quantity: Quantity) -> tuple[float, float]:
    """Return the 95 % interval of `share_of_best`; both ends are equal if the uncertainty is not known."""
    mean, uncertainty = row.mean(quantity) or 0.0, row.values[quantity].uncertainty
    half = uncertainty.expanded if uncertainty else 0.0
    ends = [_share(max(0.0, mean + side * half), rows, quantity) for side in (-1, 1)]
    return min(ends), max(ends)


def _share(value: float, rows: Sequence[Row], quantity: Quantity) -> float:
    values = [each.mean(quantity) or 0.0 for each in rows]
    if quantity in _HIGH_IS_GOOD:
        return value / max(values) if max(values) else 0.0
    return min(values) / value if value else 0.0


def _draw(axes: Axes, rows: Sequence[Row], best_of: Sequence[Row], spokes: Sequence[Quantity]) -> None:
    angles = [2 * math.pi * number / len(spokes) for number in range(len(spokes))]
    closed = [*angles, 2 * math.pi]
    for row in rows:
        shares = [share_of_best(row, best_of, quantity) for quantity in spokes]
        low, high = zip(*(share_band(row, best_of, quantity) for quantity in spokes), strict=True)
        style, width = _line(row)
        axes.plot(closed, [*shares, shares[0]], color=colour(row), ls=style, lw=width)
        axes.fill_between(closed, [*low, low[0]], [*high, high[0]], color=colour(row), alpha=0.3, lw=0)
    axes.set_xticks(angles, [_SPOKES[quantity].replace(" ", "\n") for quantity in spokes])
    axes.tick_params(axis="x", pad=6)
    axes.set_yticks([0.25, 0.5, 0.75, 1.0], ["", "½", "", "best"], color=GREY, fontsize=6.5)
    axes.set_ylim(0, 1.1)
    axes.grid(visible=True, color="#cccccc", linewidth=0.6, axis="both")
    axes.spines["polar"].set_visible(False)


def _line(row: Row) -> tuple[str, float]:
    return _LINES.get(row.precision, (":", 1.5))


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
