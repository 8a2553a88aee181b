"""Scatter plots: power against time per tweet (figure 4 c of the paper), and accuracy against speed and energy."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture
from matplotlib.lines import Line2D

from training.report.document import Figure
from training.report.figures.style import (
    COLOURS,
    FULL_WIDTH_INCHES,
    GREY,
    MARKERS,
    colour,
    error_of,
    in_words,
    known,
    label_points,
    marker,
    marker_points,
    plain_log_scale,
    save,
    styled,
    written,
)
from training.report.front import unbeaten
from training.report.indices import READING_RATES, SummedKilowatts, joules_of_paper_power
from training.report.paper import PAPER, Paper, PaperRow
from training.report.quantities import Quantity
from training.report.rows import Row
from training.report.tables import accuracy_interval, precision_name

Q = Quantity
_LOG_FROM = 8
_ISO_JOULES = tuple(step * 10.0**power for power in range(-5, 3) for step in (1, 2, 5))
_WORDS = {
    Q.TWEETS_PER_SECOND: "speed (right is better)",
    Q.JOULES_PER_TWEET: "energy (left is better)",
    Q.PROCESS_CPU_PER_TWEET: "CPU time (left is better)",
}


def power_scatter(rows: Sequence[Row], folder: Path, name: str, title: str) -> Figure | None:
    """Draw mean power against time per tweet, with lines of equal energy; None: no power was measured."""
    shown = known(known(rows, Q.WATTS), Q.SECONDS_PER_TWEET)
    if not shown:
        return None
    with styled():
        picture = Picture(figsize=(FULL_WIDTH_INCHES, 3.2), layout="constrained")
        axes = picture.subplots()
        for row in shown:
            _point(axes, row, Q.SECONDS_PER_TWEET, written(row, Q.WATTS), error_of(row, Q.WATTS))
        axes.set_xlabel(Q.SECONDS_PER_TWEET.manner.axis)
        axes.set_ylabel(Q.WATTS.manner.axis)
        _limits(axes, shown, Q.SECONDS_PER_TWEET)
        tops = [written(row, Q.WATTS) + error_of(row, Q.WATTS) for row in shown]
        axes.set_ylim(0, 1.15 * max(tops))
        _equal_energy(axes, Q.SECONDS_PER_TWEET.manner.scale)
        _settle(picture)
        label_points(
            axes,
            [(written(row, Q.SECONDS_PER_TWEET), written(row, Q.WATTS), in_words(row, rows)) for row in shown],
        )
        said = [
            f"{in_words(row, rows)}: {written(row, Q.WATTS):.3g} W ± {error_of(row, Q.WATTS):.2g} W, "
            f"{written(row, Q.SECONDS_PER_TWEET):.3g} ms"
            for row in shown
        ]
        return save(picture, folder, name, title, "Power against time per tweet: " + "; ".join(said))


def paper_power_scatter(paper: Paper, folder: Path, name: str, title: str) -> Figure:
    """Draw the paper's power against time per inference for both numbers of readings per second."""
    with styled():
        picture = Picture(figsize=(FULL_WIDTH_INCHES, 3.6), layout="constrained")
        axes = picture.subplots()
        labels = []
        for row in paper.rows:
            seconds = row.seconds_per_tweet.value
            watts = [_paper_watts(row, rate) for rate in READING_RATES]
            tint, shape = COLOURS.get(row.precision, GREY), MARKERS.get(row.precision, "^")
            axes.plot([seconds] * len(watts), watts, color=tint, lw=0.8, zorder=2)
            for value, fill in zip(watts, ("white", tint), strict=True):
                axes.plot(seconds, value, shape, color="black", mfc=fill, ms=6, mew=0.7, zorder=3)
            name_of_row = f"{row.device}, {precision_name(row.precision)}"
            labels.append((seconds, watts[-1], name_of_row))
        axes.set_xlabel("Time per inference (s)")
        axes.set_ylabel("Mean power (W)")
        axes.set_xlim(0, 1.1 * max(row.seconds_per_tweet.value for row in paper.rows))
        axes.set_ylim(0, 1.15 * max(_paper_watts(row, READING_RATES[0]) for row in paper.rows))
        _equal_energy(axes, 1.0)
        handles = [
            Line2D(
                [], [], ls="", marker="o", ms=6, mfc=fill, mec="black", mew=0.7, label=f"{rate:.0f} readings per second"
            )
            for rate, fill in zip(READING_RATES, ("white", GREY), strict=True)
        ]
        picture.legend(handles=handles, loc="outside upper left", ncols=2)
        _settle(picture)
        label_points(axes, labels)
        return save(picture, folder, name, title, _paper_in_words(paper))


def tradeoff(rows: Sequence[Row], folder: Path, name: str, title: str) -> Figure | None:
    """Draw accuracy against tweets per second, and against joules per tweet or, if not measured, CPU time."""
    shown = known(known(rows, Q.ACCURACY), Q.TWEETS_PER_SECOND)
    if not shown:
        return None
    cost = Q.JOULES_PER_TWEET if known(shown, Q.JOULES_PER_TWEET) else Q.PROCESS_CPU_PER_TWEET
    front = unbeaten(shown)
    with styled():
        picture = Picture(figsize=(FULL_WIDTH_INCHES, max(5.2, 0.9 + 0.26 * 2 * len(shown))), layout="constrained")
        panels = picture.subplots(2, 1)
        for axes, quantity, letter in zip(panels, (Q.TWEETS_PER_SECOND, cost), "ab", strict=True):
            _draw_tradeoff(axes, known(shown, quantity), quantity, front)
            axes.set_title(f"{letter}  Accuracy against {_WORDS[quantity]}")
        ring = Line2D(
            [], [], ls="", marker="o", ms=10, mfc="none", mec="black", mew=0.9, label="not beaten by another row"
        )
        picture.legend(handles=[ring], loc="outside upper right")
        _settle(picture)
        for axes, quantity in zip(panels, (Q.TWEETS_PER_SECOND, cost), strict=True):
            points = known(shown, quantity)
            label_points(
                axes, [(written(row, quantity), written(row, Q.ACCURACY), in_words(row, rows)) for row in points]
            )
        return save(picture, folder, name, title, _alternative(shown, front, cost))


def _draw_tradeoff(axes: Axes, rows: Sequence[Row], quantity: Quantity, front: Sequence[Row]) -> None:
    for row in rows:
        accuracy = written(row, Q.ACCURACY)
        _point(axes, row, quantity, accuracy, _accuracy_whiskers(row))
        if row in front:
            axes.plot(written(row, quantity), accuracy, "o", ms=14, mfc="none", mec="black", mew=0.9, zorder=2)
    axes.set_xlabel(quantity.manner.axis)
    axes.set_ylabel(Q.ACCURACY.manner.axis)
    axes.grid(visible=True, axis="both")
    axes.margins(y=0.15)
    _limits(axes, rows, quantity)


def _point(axes: Axes, row: Row, across: Quantity, up: float, error: float | list[list[float]] | None) -> None:
    """Draw a point, half transparent, so that points and whiskers behind it stay visible."""
    axes.errorbar(
        written(row, across),
        up,
        xerr=error_of(row, across) or None,
        yerr=error or None,
        fmt=marker(row),
        color=colour(row),
        mfc=(*_rgb(colour(row)), 0.55),
        mec="black",
        mew=0.6,
        ms=marker_points(row),
        elinewidth=0.7,
        capsize=2,
        ecolor="#444444",
        zorder=4 - marker_points(row) / 10,
    )


def _rgb(tint: str) -> tuple[float, float, float]:
    red, green, blue = (int(tint[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return red, green, blue


def _limits(axes: Axes, rows: Sequence[Row], quantity: Quantity) -> None:
    """Start the axis at zero, or make it logarithmic if the values are far apart; whiskers fit in."""
    values = [written(row, quantity) for row in rows]
    highest = max(written(row, quantity) + error_of(row, quantity) for row in rows)
    if min(values) > 0 and max(values) / min(values) > _LOG_FROM:
        plain_log_scale(axes, min(values) / 1.5, highest * 1.5)
    else:
        axes.set_xlim(0, 1.08 * highest)


def _equal_energy(axes: Axes, per_second: float) -> None:
    """Draw lines of equal energy per tweet behind the points, and write the joules at their ends."""
    (low, high), top = axes.get_xlim(), axes.get_ylim()[1]
    across = np.geomspace(max(low, high / 1000), high, 200)
    inside = [joules for joules in _ISO_JOULES if 0.08 * top < joules * per_second / high < 0.95 * top]
    for joules in inside:
        axes.plot(across, joules * per_second / across, color="#cccccc", lw=0.7, ls=":", zorder=1)
        axes.annotate(
            f"{joules:g} J",
            (high, joules * per_second / high),
            xytext=(-2, 2),
            textcoords="offset points",
            ha="right",
            fontsize=6,
            color=GREY,
        )
    axes.set_xlim(low, high)
    axes.set_ylim(0, top)


def _settle(picture: Picture) -> None:
    """Lay the picture out, so that labels can be placed by the final size of its axes."""
    picture.draw_without_rendering()


def _accuracy_whiskers(row: Row) -> list[list[float]] | None:
    """Return how far the 95 % interval reaches below and above the accuracy; None: its number of tweets is unknown."""
    interval, accuracy = accuracy_interval(row), row.mean(Q.ACCURACY)
    if interval is None or accuracy is None:
        return None
    low, high = interval
    return [[accuracy - low], [high - accuracy]]


def _paper_watts(row: PaperRow, rate: float) -> float:
    return joules_of_paper_power(SummedKilowatts(row.paper_power.value), rate) / row.seconds.value


def _paper_in_words(paper: Paper) -> str:
    said = [
        f"{row.device}{PAPER}, {precision_name(row.precision)}: {row.seconds_per_tweet.value:g} s, "
        + " or ".join(f"{_paper_watts(row, rate):.2g} W at {rate:.0f} readings per second" for rate in READING_RATES)
        for row in paper.rows
    ]
    return "The paper's power against time per inference: " + "; ".join(said)


def _alternative(rows: Sequence[Row], front: Sequence[Row], cost: Quantity) -> str:
    said = [
        f"{in_words(row, rows)}: accuracy {row.mean(Q.ACCURACY) or 0:.3f}, "
        f"{row.mean(Q.TWEETS_PER_SECOND) or 0:.3g} tweets/s, {_cost_in_words(row, cost)}"
        + (", not beaten" if row in front else "")
        for row in rows
    ]
    return "Trade-off: " + "; ".join(said)


def _cost_in_words(row: Row, cost: Quantity) -> str:
    value = row.mean(cost)
    return "cost not known" if value is None else f"{value * cost.manner.scale:.3g} {cost.manner.unit}"
