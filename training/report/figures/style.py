"""What all figures share: colours that everybody can tell apart (Okabe and Ito, 2008), type, and how they are saved."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
from matplotlib.artist import Artist
from matplotlib.figure import Figure as Picture
from matplotlib.lines import Line2D

from training.report.document import Figure
from training.report.markdown import FIGURES_FOLDER
from training.report.quantities import Quantity
from training.report.rows import Row
from training.report.tables import device_name, precision_name

BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE, YELLOW, GREY = "#56B4E9", "#CC79A7", "#F0E442", "#666666"
COLOURS = {"float32": BLUE, "float16": ORANGE, "int8": GREEN}
HATCHES = {"float32": "", "float16": "///", "int8": "xx"}
MARKERS = "osD^vP*Xh"
FULL_WIDTH_INCHES = 7.2
"""Two columns of a journal's page."""
_PNG_DOTS_PER_INCH = 200

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
    "axes.grid.axis": "y",
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
    """Draw in this style as long as the context lasts."""
    with mpl.rc_context(_SETTINGS):
        yield


def save(picture: Picture, folder: Path, name: str, title: str, alternative: str) -> Figure:
    """Save a picture as PNG and SVG.

    Args:
        picture: The picture.
        folder: The report's.
        name: The files', without their ends.
        title: What is said below it.
        alternative: What is said to whoever does not see it.
    """
    figures = folder / FIGURES_FOLDER
    figures.mkdir(parents=True, exist_ok=True)
    picture.savefig(figures / f"{name}.png", dpi=_PNG_DOTS_PER_INCH)
    svg = io.StringIO()
    picture.savefig(svg, format="svg", metadata={"Date": None})  # so that the same numbers make the same file
    trimmed = "\n".join(line.rstrip() for line in svg.getvalue().splitlines()) + "\n"
    (figures / f"{name}.svg").write_text(trimmed, encoding="utf-8")
    return Figure(name, title, alternative, trimmed)


def colour(row: Row) -> str:
    """A row's colour: that of its precision."""
    return COLOURS.get(row.precision, GREY)


def hatch(row: Row) -> str:
    """A row's pattern, which tells it apart in print."""
    return HATCHES.get(row.precision, "xxx")


def known(rows: Sequence[Row], quantity: Quantity) -> list[Row]:
    """The rows that have a quantity."""
    return [row for row in rows if row.mean(quantity) is not None]


def group_name(row: Row, rows: Sequence[Row]) -> str:
    """What a row's precisions have in common: the device, and whatever else is not the same in all rows."""
    parts = [device_name(row)]
    if len({each.model for each in rows}) > 1:
        parts.append(row.model)
    if len({each.threads for each in rows}) > 1:
        parts.append(f"{row.threads} threads")
    if len({each.data for each in rows}) > 1:
        parts.append(row.data)
    return "\n".join(parts)


def groups(rows: Sequence[Row]) -> list[str]:
    """The groups' names, in the order in which they come."""
    return list(dict.fromkeys(group_name(row, rows) for row in rows))


def in_group(name: str, rows: Sequence[Row]) -> list[Row]:
    """The rows of a group."""
    return [row for row in rows if group_name(row, rows) == name]


def label(row: Row) -> str:
    """A row's precision, as the legend has it."""
    return precision_name(row.precision)


def in_words(row: Row, rows: Sequence[Row]) -> str:
    """A row's name where no legend can be seen: what tells it apart from the others."""
    return ", ".join([*group_name(row, rows).splitlines(), label(row)])


Place = Literal["outside upper left", "outside lower center"]


def legend_in_lines(picture: Picture, where: Place, *lines: Sequence[Artist]) -> None:
    """Put a legend outside of the panels, whose handles stand in these lines: matplotlib itself fills columns."""
    columns = max(map(len, lines))
    full = [[*line, *[_NOTHING] * (columns - len(line))] for line in lines if line]
    handles = [handle for column in zip(*full, strict=True) for handle in column]
    picture.legend(handles=handles, loc=where, ncols=columns)


_NOTHING = Line2D([], [], linestyle="", label=" ")
