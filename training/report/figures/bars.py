"""Bars by device and precision: figures 4, 5 and 7 of the paper."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from training.report.document import Figure
from training.report.figures.style import (
    FULL_WIDTH_INCHES,
    PURPLE,
    colour,
    groups,
    hatch,
    in_group,
    in_words,
    known,
    label,
    legend_in_lines,
    save,
    styled,
)
from training.report.quantities import Quantity
from training.report.rows import Row

Q = Quantity
_GROUP_WIDTH = 0.8
_PANEL_INCHES = 2.5
_FEW_GROUPS = 3
_MOST_TIMES = 50
_SMALL = 1e-3
_MARKS = (("v", "white", "before"), ("^", "white", "after"), ("D", PURPLE, "own process"))


@dataclass(frozen=True)
class Panel:
    """One quantity, and others of its unit to be marked on its bars."""

    quantity: Quantity
    title: str
    before: Quantity | None = None
    after: Quantity | None = None
    process: Quantity | None = None
    axis: str = ""
    """Left out: the quantity's own name and unit."""

    @property
    def marked(self) -> tuple[Quantity | None, Quantity | None, Quantity | None]:
        """What is marked on the bars, in the order of _MARKS."""
        return self.before, self.after, self.process


FIGURE_4 = (
    Panel(Q.CPU, "CPU", Q.CPU_BEFORE, Q.CPU_AFTER, Q.PROCESS_CPU_SHARE),
    Panel(Q.MEMORY, "Memory", Q.MEMORY_BEFORE, Q.MEMORY_AFTER, Q.PROCESS_MEMORY_SHARE),
    Panel(Q.WATTS, "Power", Q.WATTS_BEFORE, Q.WATTS_AFTER),
)
FIGURE_5 = (
    Panel(Q.FLOPS, "Counted in the graph", axis="GFLOP/s"),
    Panel(Q.PAPER_FLOPS, "At the paper's 3.6e8 a tweet", axis="GFLOP/s"),
)
FIGURE_7 = (
    Panel(Q.SI, "SI, sustainability"),
    Panel(Q.MPI, "MPI, performance"),
    Panel(Q.RER, "RER, efficiency"),
)


def bars(rows: Sequence[Row], panels: Sequence[Panel], folder: Path, name: str, title: str) -> Figure | None:
    """Draw a panel for each quantity that any row has; None where that is none."""
    shown = [panel for panel in panels if known(rows, panel.quantity)]
    if not shown:
        return None
    with styled():
        stacked = len(groups(rows)) > _FEW_GROUPS
        shape = (len(shown), 1) if stacked else (1, len(shown))
        height = 0.4 + (1.9 * len(shown) if stacked else _PANEL_INCHES)
        picture = Picture(figsize=(FULL_WIDTH_INCHES, height), layout="constrained")
        grid = picture.subplots(*shape, squeeze=False).ravel()
        for letter, (axes, panel) in zip("abcdef", zip(grid, shown, strict=True), strict=False):
            _draw(axes, known(rows, panel.quantity), panel)
            axes.set_title(f"{letter}  {panel.title}")
        _legend(picture, rows, shown)
        return save(picture, folder, name, _with_absent(title, panels, shown), _alternative(rows, shown))


def _draw(axes: Axes, rows: Sequence[Row], panel: Panel) -> None:
    names = groups(rows)
    for position, name in enumerate(names):
        group = in_group(name, rows)
        width = _GROUP_WIDTH / max(3, len(group))
        for number, row in enumerate(group):
            where = position + (number - (len(group) - 1) / 2) * width
            _bar(axes, row, panel.quantity, where, width)
            _marks(axes, row, panel, where)
            if row.caveats_of(panel.quantity):
                _point_out(axes, where, _top(row, panel))
    axes.set_xticks(range(len(names)), names)
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.set_ylabel(panel.axis or panel.quantity.manner.axis)
    axes.margins(y=0.12)
    _scale(axes, [row.values[panel.quantity].mean * panel.quantity.manner.scale for row in rows])


def _scale(axes: Axes, heights: Sequence[float]) -> None:
    """From zero where all bars can be seen then; else by powers of ten."""
    if min(heights) > 0 and max(heights) / min(heights) > _MOST_TIMES:
        axes.set_yscale("log", nonpositive="clip")
        axes.set_ylim(bottom=min(heights) / 3)
        return
    axes.set_ylim(bottom=0)
    if max(heights) < _SMALL or max(heights) > 1 / _SMALL:
        axes.ticklabel_format(axis="y", style="sci", scilimits=(0, 0), useMathText=True)


def _bar(axes: Axes, row: Row, quantity: Quantity, where: float, width: float) -> None:
    spread, scale = row.values[quantity], quantity.manner.scale
    deviation = spread.deviation
    axes.bar(
        where,
        spread.mean * scale,
        width * 0.92,
        color=colour(row),
        alpha=0.45 if row.from_paper else 1.0,
        hatch=hatch(row),
        edgecolor="white" if not row.from_paper else "black",
        linewidth=0.6,
        yerr=None if deviation is None else deviation * scale,
        error_kw={"elinewidth": 0.9, "capsize": 2.5, "ecolor": "black"},
    )


def _top(row: Row, panel: Panel) -> float:
    """How high a bar reaches with its whisker and its marks."""
    spread = row.values[panel.quantity]
    heights = [spread.mean + (spread.deviation or 0), *(row.mean(mark) or 0 for mark in panel.marked if mark)]
    return max(heights) * panel.quantity.manner.scale


def _point_out(axes: Axes, where: float, height: float) -> None:
    axes.annotate("*", (where, height), xytext=(0, 3), textcoords="offset points", ha="center", fontsize=8)


def _marks(axes: Axes, row: Row, panel: Panel, where: float) -> None:
    for quantity, marker, fill in (
        (panel.before, "v", "white"),
        (panel.after, "^", "white"),
        (panel.process, "D", PURPLE),
    ):
        value = row.mean(quantity) if quantity else None
        if quantity and value is not None:
            axes.plot(where, value * quantity.manner.scale, marker, color="black", mfc=fill, ms=4, mew=0.8, zorder=5)


def _legend(picture: Picture, rows: Sequence[Row], panels: Sequence[Panel]) -> None:
    by_precision = {label(row): row for row in rows}
    patches = [
        Patch(facecolor=colour(row), hatch=hatch(row), edgecolor="white", label=f"{name} weights")
        for name, row in by_precision.items()
    ]
    marks = [_handle(*mark) for mark in _MARKS] if any(panel.before for panel in panels) else []
    if any(row.caveats_of(panel.quantity) for row in rows for panel in panels):
        marks.append(Line2D([], [], linestyle="", marker="$*$", color="black", ms=4, label="see the notes"))
    legend_in_lines(picture, "outside upper left", patches, marks)


def _handle(marker: str, fill: str, text: str) -> Line2D:
    return Line2D([], [], linestyle="", marker=marker, color="black", mfc=fill, ms=4, mew=0.8, label=text)


def _with_absent(title: str, panels: Sequence[Panel], shown: Sequence[Panel]) -> str:
    absent = [panel.title for panel in panels if panel not in shown]
    return title + (f" Without {' and '.join(absent)}, which nothing here measured." if absent else "")


def _alternative(rows: Sequence[Row], panels: Sequence[Panel]) -> str:
    return "Bars by device and precision: " + "; ".join(_in_words(rows, panel) for panel in panels)


def _in_words(rows: Sequence[Row], panel: Panel) -> str:
    manner = panel.quantity.manner
    said = [
        f"{in_words(row, rows)} {(row.mean(panel.quantity) or 0) * manner.scale:.3g}"
        for row in known(rows, panel.quantity)
    ]
    return f"{manner.axis}: {', '.join(said)}"
