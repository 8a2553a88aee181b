"""Dot plots by device and precision: figures 4 (a, b), 5 and 7 of the paper. Dots, unlike bars, also suit log axes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture
from matplotlib.lines import Line2D

from training.report.document import Figure
from training.report.figures.style import (
    FULL_WIDTH_INCHES,
    GREY,
    PURPLE,
    colour,
    error_of,
    groups,
    in_group,
    in_words,
    known,
    label,
    marker,
    plain_log_scale,
    save,
    styled,
    written,
)
from training.report.quantities import Quantity
from training.report.rows import Row
from training.report.tables import rounded

Q = Quantity
_LINE_INCHES = 0.19
_FRAME_INCHES = 1.0
_LOG_FROM = 30
"""Ratio of the largest to the smallest value from which an axis is logarithmic."""
_SIDE = 0.24
"""Distance of the additional marks from the line of their row."""
_MARKS = (("before", "v", "white", -_SIDE), ("after", "^", "white", _SIDE), ("process", "d", PURPLE, 0.0))
_WORDS = {"before": "at rest, before", "after": "at rest, after", "process": "the process alone"}


@dataclass(frozen=True)
class Panel:
    """One quantity, and others of the same unit as additional marks."""

    quantity: Quantity
    title: str
    before: Quantity | None = None
    after: Quantity | None = None
    process: Quantity | None = None
    axis: str = ""
    """Label of the axis; empty: the quantity's name and unit."""


FIGURE_4 = (
    Panel(Q.CPU, "CPU", Q.CPU_BEFORE, Q.CPU_AFTER, Q.PROCESS_CPU_SHARE, axis="% of all cores"),
    Panel(Q.MEMORY, "Memory", Q.MEMORY_BEFORE, Q.MEMORY_AFTER, Q.PROCESS_MEMORY_SHARE, axis="% of memory"),
)
FIGURE_5 = (
    Panel(Q.FLOPS, "Counted in the graph", axis="GFLOP/s"),
    Panel(Q.PAPER_FLOPS, "3.6e8 per tweet, as the paper", axis="GFLOP/s"),
)
PAPER_FIGURE_5 = (Panel(Q.PAPER_FLOPS, "FLOPS", axis="GFLOP/s"),)
FIGURE_7 = (
    Panel(Q.SI, "SI, speed index"),
    Panel(Q.MPI, "MPI, performance"),
    Panel(Q.RER, "RER, efficiency"),
)


@dataclass(frozen=True)
class Line:
    """A line of the plot: the name of a group, or a row."""

    text: str
    row: Row | None


def dots(rows: Sequence[Row], panels: Sequence[Panel], folder: Path, name: str, title: str) -> Figure | None:
    """Draw a panel for each quantity that any row has; None: no row has any."""
    shown = [panel for panel in panels if known(rows, panel.quantity)]
    if not shown:
        return None
    lines = _lines(rows)
    with styled():
        height = _FRAME_INCHES + _LINE_INCHES * len(lines)
        picture = Picture(figsize=(FULL_WIDTH_INCHES, height), layout="constrained")
        grid = picture.subplots(1, len(shown), squeeze=False, sharey=True).ravel()
        for letter, (axes, panel) in zip("abcdef", zip(grid, shown, strict=True), strict=False):
            _draw(axes, lines, panel)
            axes.set_title(f"{letter}  {panel.title}")
        _name_lines(grid[0], lines)
        _legend(picture, rows, shown)
        return save(picture, folder, name, _with_absent(title, panels, shown), _alternative(rows, shown))


def _lines(rows: Sequence[Row]) -> list[Line]:
    lines = []
    for name in groups(rows):
        lines.append(Line(name, None))
        lines += [Line(label(row), row) for row in in_group(name, rows)]
    return lines


def _name_lines(axes: Axes, lines: Sequence[Line]) -> None:
    """Write the precisions beside the axis, and the groups' names into their empty lines, across all panels."""
    axes.set_yticks(range(len(lines)), [line.text if line.row else "" for line in lines])
    axes.set_ylim(len(lines) - 0.4, -0.6)
    axes.set_zorder(1)  # above the next panels, which would hide the end of a long name
    axes.patch.set_visible(False)
    for at, line in enumerate(lines):
        if line.row is None:
            axes.text(
                0,
                at,
                line.text,
                transform=axes.get_yaxis_transform(),
                fontsize=7.5,
                fontweight="bold",
                va="center",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
            )


def _draw(axes: Axes, lines: Sequence[Line], panel: Panel) -> None:
    numbered = [(at, line.row) for at, line in enumerate(lines) if line.row and _has(line.row, panel.quantity)]
    for at, row in numbered:
        _marks(axes, row, panel, at)
        axes.errorbar(
            written(row, panel.quantity),
            at,
            xerr=error_of(row, panel.quantity) or None,
            fmt=marker(row),
            color=colour(row),
            mec="black",
            mew=0.5,
            mfc="white" if row.from_paper else colour(row),
            ms=5.5,
            elinewidth=1,
            capsize=2,
            ecolor="black",
            zorder=4,
            clip_on=False,
        )
    axes.set_xlabel(panel.axis or panel.quantity.manner.axis)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    _scale(axes, [row for _, row in numbered], panel)
    for at, row in numbered:
        star = " *" if row.caveats_of(panel.quantity) else ""
        value = rounded(written(row, panel.quantity), panel.quantity.manner.digits)
        axes.text(1.02, at, value + star, transform=axes.get_yaxis_transform(), fontsize=6.5, va="center")


def _has(row: Row, quantity: Quantity) -> bool:
    return row.mean(quantity) is not None


def _scale(axes: Axes, rows: Sequence[Row], panel: Panel) -> None:
    """Start the axis at zero, unless the values are so far apart that only a logarithmic axis shows them."""
    values = [written(row, panel.quantity) for row in rows]
    low, high = min(values), max(values)
    if low > 0 and high / low > _LOG_FROM:
        plain_log_scale(axes, low / 2, high * 2)
        return
    axes.set_xlim(left=0)
    axes.margins(x=0.08)
    axes.locator_params(axis="x", nbins=4)
    if high >= 1e4 or high < 1e-2:  # noqa: PLR2004
        axes.ticklabel_format(axis="x", style="sci", scilimits=(0, 0), useMathText=True)


def _marks(axes: Axes, row: Row, panel: Panel, at: float) -> None:
    for name, shape, fill, side in _MARKS:
        quantity: Quantity | None = getattr(panel, name)
        if quantity and _has(row, quantity):
            axes.plot(
                written(row, quantity),
                at + side,
                shape,
                color="black",
                mfc=fill,
                ms=3.5,
                mew=0.6,
                zorder=5,
                clip_on=False,
            )


def _legend(picture: Picture, rows: Sequence[Row], panels: Sequence[Panel]) -> None:
    handles = [
        _handle(shape, fill, _WORDS[name])
        for name, shape, fill, _ in _MARKS
        if any((quantity := getattr(panel, name)) and known(rows, quantity) for panel in panels)
    ]
    if handles:
        handles.insert(0, _handle("o", GREY, "while labelling"))
    if any(row.caveats_of(panel.quantity) for row in rows for panel in panels):
        handles.append(Line2D([], [], linestyle="", marker="$*$", color="black", ms=4, label="see the notes"))
    if handles:
        picture.legend(handles=handles, loc="outside upper right", ncols=len(handles))


def _handle(shape: str, fill: str, text: str) -> Line2D:
    return Line2D([], [], linestyle="", marker=shape, color="black", mfc=fill, ms=4, mew=0.6, label=text)


def _with_absent(title: str, panels: Sequence[Panel], shown: Sequence[Panel]) -> str:
    absent = [panel.title for panel in panels if panel not in shown]
    return title + (f" Without {' and '.join(absent)}, which was not measured." if absent else "")


def _alternative(rows: Sequence[Row], panels: Sequence[Panel]) -> str:
    return "Dots by device and precision: " + "; ".join(_in_words(rows, panel) for panel in panels)


def _in_words(rows: Sequence[Row], panel: Panel) -> str:
    said = [f"{in_words(row, rows)} {written(row, panel.quantity):.3g}" for row in known(rows, panel.quantity)]
    return f"{panel.quantity.manner.axis}: {', '.join(said)}"
