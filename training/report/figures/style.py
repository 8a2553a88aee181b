"""Style of all figures: colours that colour-blind readers can distinguish (Okabe and Ito, 2008), fonts, saving."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from training.report.document import Figure
from training.report.markdown import FIGURES_FOLDER
from training.report.quantities import Quantity
from training.report.rows import Row
from training.report.tables import precision_name

BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE, YELLOW, GREY = "#56B4E9", "#CC79A7", "#F0E442", "#666666"
COLOURS = {"float32": BLUE, "float16": ORANGE, "int8": GREEN}
MARKERS = {"float32": "s", "float16": "D", "int8": "o"}
MARKER_POINTS = {"float32": 9.0, "float16": 6.0, "int8": 5.0}
"""Sizes: where points coincide, the larger one behind stays visible."""
FULL_WIDTH_INCHES = 7.2
"""Width of two columns of a journal's page."""
_PNG_DOTS_PER_INCH = 200
_POINTS_PER_INCH = 72
_LABEL_POINTS = 7
_LINE_SPACING = 1.35
_MANY_DECADES = 300
_LARGEST_PLAIN = 1e5
_SAME_HEIGHT = 0.06
"""Part of the axes' height within which points count as equally high."""

_SETTINGS: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "x",
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "hatch.linewidth": 0.5,
    "svg.fonttype": "path",
    "svg.hashsalt": "starling",
    "figure.constrained_layout.use": True,
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw in this style while the context is open."""
    with mpl.rc_context(_SETTINGS):
        yield


def save(picture: Picture, folder: Path, name: str, title: str, alternative: str) -> Figure:
    """Save a picture as PNG and SVG.

    Args:
        picture: The picture.
        folder: The report's folder.
        name: Name of the files, without suffix.
        title: Caption.
        alternative: Text alternative for readers who cannot see the picture.
    """
    figures = folder / FIGURES_FOLDER
    figures.mkdir(parents=True, exist_ok=True)
    picture.savefig(figures / f"{name}.png", dpi=_PNG_DOTS_PER_INCH)
    svg = io.StringIO()
    picture.savefig(
        svg, format="svg", metadata={"Date": None}
    )  # without a date, so that the same numbers give the same file
    trimmed = "\n".join(line.rstrip() for line in svg.getvalue().splitlines()) + "\n"
    (figures / f"{name}.svg").write_text(trimmed, encoding="utf-8")
    return Figure(name, title, alternative, trimmed)


def colour(row: Row) -> str:
    """Return a row's colour: that of its precision."""
    return COLOURS.get(row.precision, GREY)


def marker(row: Row) -> str:
    """Return a row's marker, which shows its precision in black and white print."""
    return MARKERS.get(row.precision, "^")


def marker_points(row: Row) -> float:
    """Return the size of a row's marker in points."""
    return MARKER_POINTS.get(row.precision, 7.0)


def plain_log_scale(axes: Axes, low: float, high: float) -> None:
    """Make the horizontal axis logarithmic, with ticks at 1, 2 and 5 that are written as plain numbers."""
    axes.set_xscale("log", nonpositive="clip")
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < _MANY_DECADES else (1,)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    if high < _LARGEST_PLAIN and low > 1 / _LARGEST_PLAIN:
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))


def error_of(row: Row, quantity: Quantity) -> float:
    """Return a quantity's ± as the tables have it, in the written unit; 0: not known."""
    found = row.values[quantity]
    error = found.deviation
    if found.meter and found.uncertainty:
        error = found.uncertainty.combined
    return (error or 0.0) * quantity.manner.scale


def written(row: Row, quantity: Quantity) -> float:
    """Return a quantity's mean in the written unit; 0: not known."""
    return (row.mean(quantity) or 0.0) * quantity.manner.scale


def known(rows: Sequence[Row], quantity: Quantity) -> list[Row]:
    """Return the rows that have a quantity."""
    return [row for row in rows if row.mean(quantity) is not None]


def group_name(row: Row, rows: Sequence[Row]) -> str:
    """Return what a row's precisions have in common: the device, and what else differs between rows."""
    parts = [row.device]
    if len({each.model for each in rows}) > 1:
        parts.append(row.model)
    if len({each.threads for each in rows}) > 1:
        parts.append(f"{row.threads} threads")
    if len({each.data for each in rows}) > 1:
        parts.append(row.data)
    return ", ".join(parts)


def groups(rows: Sequence[Row]) -> list[str]:
    """Return the names of the groups, in the order of the rows."""
    return list(dict.fromkeys(group_name(row, rows) for row in rows))


def in_group(name: str, rows: Sequence[Row]) -> list[Row]:
    """Return the rows of a group."""
    return [row for row in rows if group_name(row, rows) == name]


def label(row: Row) -> str:
    """Return a row's precision, as in labels."""
    return precision_name(row.precision)


def in_words(row: Row, rows: Sequence[Row]) -> str:
    """Return a row's name: all that distinguishes it from the other rows."""
    return f"{group_name(row, rows)}, {label(row)}"


def label_points(axes: Axes, points: Sequence[tuple[float, float, str]]) -> None:
    """Write the names of points in a column right of the axes, without overlap, each with a line to its point.

    Call it when the limits of the axes are final.
    """
    gap = _LABEL_POINTS * _LINE_SPACING / (axes.get_window_extent().height / axes.figure.dpi * _POINTS_PER_INCH)
    # Of points at about the same height, the leftmost gets the highest label, so that the lines do not cross.
    places = {point: _fraction(axes, point) for point in points}
    ordered = sorted(points, key=lambda point: (round(places[point][1] / _SAME_HEIGHT), -places[point][0]))
    heights = spaced([places[point][1] for point in ordered], gap)
    for (across, up, text), height in zip(ordered, heights, strict=True):
        axes.annotate(
            text,
            (across, up),
            xytext=(1.04, height),
            textcoords="axes fraction",
            fontsize=_LABEL_POINTS,
            va="center",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "lw": 0.5,
                "color": "#999999",
                "shrinkA": 0,
                "shrinkB": 4,
                "relpos": (0, 0.5),
            },
        )


def spaced(wanted: Sequence[float], gap: float) -> list[float]:
    """Move heights apart so that each is at least `gap` above the one before, with the smallest sum of squared moves.

    Without the gaps this is isotonic regression, which merges neighbours that are in the wrong order into their mean.

    Args:
        wanted: Heights from 0 to 1, in the order from below.
        gap: Smallest distance.

    Returns:
        Heights from 0 to 1, as far as they fit.
    """
    merged: list[list[float]] = []
    for number, height in enumerate(wanted):
        merged.append([height - number * gap])
        while len(merged) > 1 and fmean(merged[-2]) > fmean(merged[-1]):
            last = merged.pop()
            merged[-1] += last
    highest = max(0.0, 1 - (len(wanted) - 1) * gap)
    levels = [min(max(fmean(heights), 0.0), highest) for heights in merged for _ in heights]
    return [level + number * gap for number, level in enumerate(levels)]


def _fraction(axes: Axes, point: tuple[float, float, str]) -> tuple[float, float]:
    across, up = axes.transAxes.inverted().transform(axes.transData.transform(point[:2]))
    return float(across), float(up)
