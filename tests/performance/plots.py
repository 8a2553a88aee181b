"""Plots of `starling bench growth --json`."""

from pathlib import Path
from typing import Any

import orjson
from matplotlib.figure import Figure

_VARIABLES = ("tokens a tweet", "tweets waiting", "cores")
_LOGARITHMIC = ("tweets waiting",)


def plot_growth(file: Path, folder: Path) -> None:
    """Draw a plot for each variable: growth-tokens-a-tweet.svg and so on."""
    rows = orjson.loads(file.read_bytes())["rows"]
    for variable in _VARIABLES:
        if found := [row for row in rows if row["grows"] == variable]:
            figure = _drawn(variable, found)
            figure.savefig(folder / f"growth-{variable.replace(' ', '-')}.svg", metadata={"Date": None})


def _drawn(variable: str, rows: list[dict[str, Any]]) -> Figure:
    figure = Figure(figsize=(7, 3.2), layout="constrained")
    speed, cost = figure.subplots(1, 2)
    sizes = [row["to"] for row in rows]
    speed.plot(sizes, [row["tweets_per_second"] for row in rows], marker="o", color="tab:blue")
    speed.set_ylabel("tweets per second")
    cost.plot(sizes, [row["cpu_ms_per_tweet"] for row in rows], marker="o", color="tab:orange")
    cost.set_ylabel("CPU milliseconds per tweet")
    for axes in (speed, cost):
        axes.set_xlabel(variable)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        if variable in _LOGARITHMIC:
            axes.set_xscale("log")
        if variable == "cores":
            axes.set_xticks(sizes)
    return figure
