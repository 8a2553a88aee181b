"""Plots of `starling bench growth --json`."""

from pathlib import Path
from typing import Any

import orjson
from matplotlib.figure import Figure

_WHAT = ("tokens a tweet", "tweets waiting", "cores")
_LOGARITHMIC = ("tweets waiting",)


def plot_growth(file: Path, folder: Path) -> None:
    """Draw a plot for each thing that grows: growth-tokens-a-tweet.svg and so on."""
    rows = orjson.loads(file.read_bytes())["rows"]
    for what in _WHAT:
        if found := [row for row in rows if row["grows"] == what]:
            figure = _drawn(what, found)
            figure.savefig(folder / f"growth-{what.replace(' ', '-')}.svg", metadata={"Date": None})


def _drawn(what: str, rows: list[dict[str, Any]]) -> Figure:
    figure = Figure(figsize=(7, 3.2), layout="constrained")
    speed, cost = figure.subplots(1, 2)
    sizes = [row["to"] for row in rows]
    speed.plot(sizes, [row["tweets_per_second"] for row in rows], marker="o", color="tab:blue")
    speed.set_ylabel("tweets a second")
    cost.plot(sizes, [row["cpu_ms_per_tweet"] for row in rows], marker="o", color="tab:orange")
    cost.set_ylabel("CPU milliseconds a tweet")
    for axes in (speed, cost):
        axes.set_xlabel(what)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        if what in _LOGARITHMIC:
            axes.set_xscale("log")
        if what == "cores":
            axes.set_xticks(sizes)
    return figure
